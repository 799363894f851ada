"""Areas, plans with their own frame and rings, grids."""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = ("areas", "code_lineage", "plans", "grids", "plan_areas", "plan_edits", "publications")


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.execute("CREATE SCHEMA IF NOT EXISTS personal")
    _add_areas()
    _add_code_lineage()
    _add_plans()
    _add_grids()
    _add_plan_areas()
    _add_plan_edits()
    _add_publications()


def _add_areas() -> None:
    op.create_geospatial_table(
        "areas",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("parent_code", sa.Text(collation="C"), nullable=True),
        sa.Column("kind", sa.String(), nullable=True),
        sa.Column("crs_epsg", sa.Integer(), nullable=True),
        sa.Column("households_target", sa.Integer(), nullable=True),
        sa.Column("duty_phone", sa.String(), nullable=True),
        sa.Column("centre_name", sa.String(), nullable=True),
        sa.Column("geom", Geometry(geometry_type="MULTIPOLYGON", srid=4326, spatial_index=False), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(level = 'district') = (parent_code IS NULL)", name=op.f("ck_areas_only_districts_have_no_parent")
        ),
        sa.CheckConstraint(
            "level <> 'district' OR crs_epsg IS NOT NULL", name=op.f("ck_areas_districts_name_their_crs")
        ),
        sa.CheckConstraint("level IN ('district','subdistrict','community')", name=op.f("ck_areas_level")),
        sa.CheckConstraint("geom IS NULL OR ST_IsValid(geom)", name=op.f("ck_areas_geom_is_valid")),
        sa.ForeignKeyConstraint(["parent_code"], ["areas.code"], name=op.f("fk_areas_parent_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_areas")),
    )
    op.create_geospatial_index(
        "idx_areas_geom", "areas", ["geom"], unique=False, postgresql_using="gist", postgresql_ops={}
    )
    op.create_index(op.f("ix_areas_parent_code"), "areas", ["parent_code"], unique=False)


def _add_code_lineage() -> None:
    op.create_table(
        "code_lineage",
        sa.Column("district", sa.Text(collation="C"), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("origin", sa.String(), server_default="first", nullable=False),
        sa.Column(
            "ancestors", postgresql.ARRAY(sa.Text(collation="C")), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("plan_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("district", "code", name=op.f("pk_code_lineage")),
    )


def _add_plans() -> None:
    op.create_geospatial_table(
        "plans",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("district", sa.Text(collation="C"), nullable=False),
        sa.Column("title", sa.String(), server_default="", nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("plan_version", sa.Integer(), nullable=True),
        sa.Column("based_on", sa.BigInteger(), nullable=True),
        sa.Column("frame", Geometry(geometry_type="MULTIPOLYGON", srid=4326, spatial_index=False), nullable=True),
        sa.Column("report", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("certificate", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("acknowledged", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("editors", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("returned_reason", sa.String(), nullable=True),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("submitted_by", sa.String(), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_by", sa.String(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("in_force", postgresql.TSTZRANGE(), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.column("district"), "="), (sa.column("in_force"), "&&"), using="gist", name="one_plan_in_force"
        ),
        sa.CheckConstraint(
            "(state IN ('published','archived')) = (plan_version IS NOT NULL)",
            name=op.f("ck_plans_publications_are_numbered"),
        ),
        sa.CheckConstraint("state IN ('draft','submitted','published','archived')", name=op.f("ck_plans_state")),
        sa.CheckConstraint(
            "in_force IS NULL OR (lower_inc(in_force) AND NOT upper_inc(in_force) AND NOT isempty(in_force))",
            name=op.f("ck_plans_in_force_is_half_open"),
        ),
        sa.ForeignKeyConstraint(["based_on"], ["plans.id"], name=op.f("fk_plans_based_on")),
        sa.ForeignKeyConstraint(["district"], ["areas.code"], name=op.f("fk_plans_district")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plans")),
        sa.UniqueConstraint("district", "plan_version", name=op.f("uq_plans_district_plan_version")),
    )
    op.create_geospatial_index(
        "idx_plans_frame", "plans", ["frame"], unique=False, postgresql_using="gist", postgresql_ops={}
    )
    op.create_index("ix_plans_district_state", "plans", ["district", "state"], unique=False)


def _add_grids() -> None:
    op.create_geospatial_table(
        "grids",
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("parent_code", sa.Text(collation="C"), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), server_default="base", nullable=False),
        sa.Column("exclusive", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("group_name", sa.String(), nullable=True),
        sa.Column("parts_allowed", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("locked", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("imperfect", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("households", sa.Integer(), server_default="0", nullable=False),
        sa.Column("buildings", sa.Integer(), server_default="0", nullable=False),
        sa.Column("area_m2", sa.Double(), server_default="0", nullable=False),
        sa.Column("geom", Geometry(geometry_type="MULTIPOLYGON", srid=4326, spatial_index=False), nullable=False),
        sa.CheckConstraint("kind = 'dedicated' OR exclusive", name=op.f("ck_grids_base_grids_are_exclusive")),
        sa.CheckConstraint("kind IN ('base','dedicated')", name=op.f("ck_grids_kind")),
        sa.CheckConstraint("level IN ('grid','sub_grid')", name=op.f("ck_grids_level")),
        sa.CheckConstraint(
            "imperfect OR (ST_IsValid(geom) AND NOT ST_IsEmpty(geom))", name=op.f("ck_grids_geom_is_valid")
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_grids_plan_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("plan_id", "code", name=op.f("pk_grids")),
    )
    op.create_geospatial_index(
        "idx_grids_geom", "grids", ["geom"], unique=False, postgresql_using="gist", postgresql_ops={}
    )
    op.create_index("ix_grids_code", "grids", ["code"], unique=False)
    op.create_index("ix_grids_plan_parent", "grids", ["plan_id", "parent_code"], unique=False)


def _add_plan_areas() -> None:
    op.create_geospatial_table(
        "plan_areas",
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("parent_code", sa.Text(collation="C"), nullable=True),
        sa.Column("geom", Geometry(geometry_type="MULTIPOLYGON", srid=4326, spatial_index=False), nullable=True),
        sa.CheckConstraint("geom IS NULL OR ST_IsValid(geom)", name=op.f("ck_plan_areas_geom_is_valid")),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_plan_areas_plan_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("plan_id", "code", name=op.f("pk_plan_areas")),
    )


def _add_plan_edits() -> None:
    op.create_table(
        "plan_edits",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("op", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("undone", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_plan_edits_plan_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_edits")),
        sa.UniqueConstraint("plan_id", "seq", name=op.f("uq_plan_edits_plan_id_seq")),
    )


def _add_publications() -> None:
    op.create_table(
        "publications",
        sa.Column("index_version", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("district", sa.Text(collation="C"), nullable=False),
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("plan_version", sa.Integer(), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("snapshot", sa.LargeBinary(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_publications_plan_id")),
        sa.PrimaryKeyConstraint("index_version", name=op.f("pk_publications")),
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
