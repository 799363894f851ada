"""Buildings, households, roads, water, categories and hazards."""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = (
    "compounds",
    "parks",
    "roads",
    "units",
    "water",
    "buildings",
    "categories",
    "category_clocks",
    "hazards",
    "personal.households",
)


def upgrade() -> None:
    _add_compounds()
    _add_parks()
    _add_roads()
    _add_units()
    _add_water()
    _add_buildings()
    _add_categories()
    _add_category_clocks()
    _add_hazards()
    _add_households()


def _add_compounds() -> None:
    op.create_geospatial_table(
        "compounds",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("district", sa.Text(collation="C"), nullable=True),
        sa.Column("name", sa.String(), server_default="", nullable=False),
        sa.Column("kind", sa.String(), server_default="town", nullable=False),
        sa.Column("geom", Geometry(geometry_type="MULTIPOLYGON", srid=4326, spatial_index=False), nullable=False),
        sa.Column("source", sa.String(), server_default="", nullable=False),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.CheckConstraint("ST_IsValid(geom)", name=op.f("ck_compounds_geom_is_valid")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_compounds")),
    )
    op.create_geospatial_index(
        "idx_compounds_geom", "compounds", ["geom"], unique=False, postgresql_using="gist", postgresql_ops={}
    )
    op.create_index(op.f("ix_compounds_district"), "compounds", ["district"], unique=False)
    op.create_index("uq_compounds_source_external_id", "compounds", ["source", "external_id"], unique=True)


def _add_parks() -> None:
    op.create_geospatial_table(
        "parks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("district", sa.Text(collation="C"), nullable=True),
        sa.Column("name", sa.String(), server_default="", nullable=False),
        sa.Column("kind", sa.String(), server_default="park", nullable=False),
        sa.Column("geom", Geometry(geometry_type="MULTIPOLYGON", srid=4326, spatial_index=False), nullable=False),
        sa.Column("source", sa.String(), server_default="", nullable=False),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.CheckConstraint("ST_IsValid(geom)", name=op.f("ck_parks_geom_is_valid")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parks")),
    )
    op.create_geospatial_index(
        "idx_parks_geom", "parks", ["geom"], unique=False, postgresql_using="gist", postgresql_ops={}
    )
    op.create_index(op.f("ix_parks_district"), "parks", ["district"], unique=False)


def _add_roads() -> None:
    op.create_geospatial_table(
        "roads",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("district", sa.Text(collation="C"), nullable=True),
        sa.Column("name", sa.String(), server_default="", nullable=False),
        sa.Column("road_class", sa.String(), server_default="residential", nullable=False),
        sa.Column("geom", Geometry(geometry_type="MULTILINESTRING", srid=4326, spatial_index=False), nullable=False),
        sa.Column("source", sa.String(), server_default="", nullable=False),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roads")),
    )
    op.create_geospatial_index(
        "idx_roads_geom", "roads", ["geom"], unique=False, postgresql_using="gist", postgresql_ops={}
    )
    op.create_index(op.f("ix_roads_district"), "roads", ["district"], unique=False)
    op.create_index("uq_roads_source_external_id", "roads", ["source", "external_id"], unique=True)


def _add_units() -> None:
    op.create_table(
        "units",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), server_default="", nullable=False),
        sa.Column("area", sa.Text(collation="C"), server_default="", nullable=False),
        sa.Column("phone", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_units")),
    )


def _add_water() -> None:
    op.create_geospatial_table(
        "water",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("district", sa.Text(collation="C"), nullable=True),
        sa.Column("name", sa.String(), server_default="", nullable=False),
        sa.Column("kind", sa.String(), server_default="river", nullable=False),
        sa.Column("geom", Geometry(geometry_type="MULTIPOLYGON", srid=4326, spatial_index=False), nullable=False),
        sa.Column("source", sa.String(), server_default="", nullable=False),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.CheckConstraint("ST_IsValid(geom)", name=op.f("ck_water_geom_is_valid")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_water")),
    )
    op.create_geospatial_index(
        "idx_water_geom", "water", ["geom"], unique=False, postgresql_using="gist", postgresql_ops={}
    )
    op.create_index(op.f("ix_water_district"), "water", ["district"], unique=False)
    op.create_index("uq_water_source_external_id", "water", ["source", "external_id"], unique=True)


def _add_buildings() -> None:
    op.create_geospatial_table(
        "buildings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("district", sa.Text(collation="C"), nullable=True),
        sa.Column("compound_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.String(), server_default="", nullable=False),
        sa.Column("address", sa.String(), server_default="", nullable=False),
        sa.Column("kind", sa.String(), server_default="building", nullable=False),
        sa.Column("floors", sa.Integer(), nullable=True),
        sa.Column("height_m", sa.Double(), nullable=True),
        sa.Column("stairwells", sa.Integer(), server_default="0", nullable=False),
        sa.Column("households", sa.Integer(), server_default="0", nullable=False),
        sa.Column("grid_override", sa.Text(collation="C"), nullable=True),
        sa.Column("geom", Geometry(geometry_type="MULTIPOLYGON", srid=4326, spatial_index=False), nullable=False),
        sa.Column("inner_point", Geometry(geometry_type="POINT", srid=4326, spatial_index=False), nullable=False),
        sa.Column("source", sa.String(), server_default="", nullable=False),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.CheckConstraint("ST_IsValid(geom)", name=op.f("ck_buildings_geom_is_valid")),
        sa.ForeignKeyConstraint(["compound_id"], ["compounds.id"], name=op.f("fk_buildings_compound_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_buildings")),
    )
    op.create_geospatial_index(
        "idx_buildings_geom", "buildings", ["geom"], unique=False, postgresql_using="gist", postgresql_ops={}
    )
    op.create_geospatial_index(
        "idx_buildings_inner_point",
        "buildings",
        ["inner_point"],
        unique=False,
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_index(op.f("ix_buildings_compound_id"), "buildings", ["compound_id"], unique=False)
    op.create_index(op.f("ix_buildings_district"), "buildings", ["district"], unique=False)
    op.create_index("uq_buildings_source_external_id", "buildings", ["source", "external_id"], unique=True)


def _add_categories() -> None:
    op.create_table(
        "categories",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), server_default="", nullable=False),
        sa.Column("kind", sa.String(), server_default="both", nullable=False),
        sa.Column("unit_code", sa.Text(collation="C"), nullable=True),
        sa.Column("urgency", sa.String(), server_default="normal", nullable=False),
        sa.Column("triage", sa.String(), server_default="automatic", nullable=False),
        sa.Column("resident_derived", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("kind IN ('incident','hazard','both')", name=op.f("ck_categories_kind")),
        sa.CheckConstraint("triage IN ('automatic','manual')", name=op.f("ck_categories_triage")),
        sa.ForeignKeyConstraint(["unit_code"], ["units.code"], name=op.f("fk_categories_unit_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_categories")),
    )


def _add_category_clocks() -> None:
    op.create_table(
        "category_clocks",
        sa.Column("category", sa.Text(collation="C"), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.CheckConstraint("minutes > 0", name=op.f("ck_category_clocks_minutes_are_positive")),
        sa.ForeignKeyConstraint(
            ["category"], ["categories.code"], name=op.f("fk_category_clocks_category"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("category", "level", "step", name=op.f("pk_category_clocks")),
    )


def _add_hazards() -> None:
    op.create_geospatial_table(
        "hazards",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("category", sa.Text(collation="C"), nullable=False),
        sa.Column("state", sa.String(), server_default="found", nullable=False),
        sa.Column("severity", sa.Integer(), server_default="1", nullable=False),
        sa.Column("description", sa.String(), server_default="", nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rectified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("district", sa.Text(collation="C"), nullable=True),
        sa.Column("grid_code", sa.Text(collation="C"), nullable=True),
        sa.Column("sub_grid_code", sa.Text(collation="C"), nullable=True),
        sa.Column("current_code", sa.Text(collation="C"), nullable=True),
        sa.Column("plan_version", sa.Integer(), nullable=True),
        sa.Column("geom", Geometry(geometry_type="POINT", srid=4326, spatial_index=False), nullable=False),
        sa.Column("raw_lon", sa.Double(), nullable=False),
        sa.Column("raw_lat", sa.Double(), nullable=False),
        sa.Column("datum", sa.String(), server_default="wgs84", nullable=False),
        sa.Column("accuracy_m", sa.Double(), nullable=True),
        sa.Column("source", sa.String(), server_default="", nullable=False),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("stored_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state IN ('found','rectifying','rectified')", name=op.f("ck_hazards_state")),
        sa.CheckConstraint(
            "rectified_at IS NULL OR rectified_at >= found_at", name=op.f("ck_hazards_rectified_after_found")
        ),
        sa.ForeignKeyConstraint(["category"], ["categories.code"], name=op.f("fk_hazards_category")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hazards")),
    )
    op.create_geospatial_index(
        "idx_hazards_geom", "hazards", ["geom"], unique=False, postgresql_using="gist", postgresql_ops={}
    )
    op.create_index("ix_hazards_current_code_found_at", "hazards", ["current_code", "found_at"], unique=False)
    op.create_index(op.f("ix_hazards_found_at"), "hazards", ["found_at"], unique=False)
    op.create_index("uq_hazards_source_external_id", "hazards", ["source", "external_id"], unique=True)


def _add_households() -> None:
    op.create_table(
        "households",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("building_id", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.Integer(), server_default="1", nullable=False),
        sa.Column("room", sa.String(), server_default="", nullable=False),
        sa.Column("classes", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("members", sa.Integer(), server_default="1", nullable=False),
        sa.Column("sub_grid_override", sa.Text(collation="C"), nullable=True),
        sa.CheckConstraint("members >= 0", name=op.f("ck_households_members_are_counted")),
        sa.ForeignKeyConstraint(
            ["building_id"], ["buildings.id"], name=op.f("fk_households_building_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_households")),
        schema="personal",
    )
    op.create_index(op.f("ix_households_building_id"), "households", ["building_id"], unique=False, schema="personal")
    op.create_index(
        "ix_households_classes", "households", ["classes"], unique=False, schema="personal", postgresql_using="gin"
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
