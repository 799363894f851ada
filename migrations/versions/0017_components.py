"""Components (部件), and hazards that hang on one."""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

CODE = sa.Text(collation="C")
METRES = "CASE accuracy WHEN 'A' THEN 0.5 WHEN 'B' THEN 1.0 WHEN 'C' THEN 10.0 END"
STATES = "state IN ('intact','damaged','missing','blocked','abandoned','removed')"


def upgrade() -> None:
    op.create_table(
        "components",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", CODE, nullable=False),
        sa.Column("district", CODE, nullable=False),
        sa.Column("main_class", CODE, sa.Computed("substr(code, 7, 2)", persisted=True), nullable=False),
        sa.Column("sub_class", CODE, sa.Computed("substr(code, 9, 3)", persisted=True), nullable=False),
        sa.Column("name", sa.String(), server_default="", nullable=False),
        sa.Column("accuracy", sa.String(), nullable=True),
        sa.Column("accuracy_m", sa.Float(), sa.Computed(METRES, persisted=True), nullable=True),
        sa.Column("state", sa.String(), server_default="intact", nullable=False),
        sa.Column("supervising_unit", sa.String(), server_default="", nullable=False),
        sa.Column("maintaining_unit", sa.String(), server_default="", nullable=False),
        sa.Column("geom", Geometry("POINT", srid=4326, spatial_index=False), nullable=False),
        sa.CheckConstraint("code ~ '^[0-9]{16}$'", name=op.f("ck_components_code_has_16_digits")),
        sa.CheckConstraint("starts_with(code, district)", name=op.f("ck_components_district_is_of_the_code")),
        sa.CheckConstraint("accuracy IN ('A','B','C')", name=op.f("ck_components_accuracy")),
        sa.CheckConstraint(STATES, name=op.f("ck_components_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_components")),
        sa.UniqueConstraint("code", name=op.f("uq_components_code")),
    )
    op.create_index("idx_components_geom", "components", ["geom"], postgresql_using="gist")
    op.create_index(op.f("ix_components_district"), "components", ["district"])
    op.add_column("hazards", sa.Column("component_code", CODE, nullable=True))
    op.create_foreign_key(
        op.f("fk_hazards_component_code_components"), "hazards", "components", ["component_code"], ["code"]
    )
    op.create_index(op.f("ix_hazards_component_code"), "hazards", ["component_code"])


def downgrade() -> None:
    op.drop_column("hazards", "component_code")
    op.drop_table("components")
