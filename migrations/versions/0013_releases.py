"""What is released of counts that derive from residents: a month once, never changed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

CODE = sa.Text(collation="C")


def upgrade() -> None:
    _create_releases()
    _create_rows()
    op.execute(
        """
        CREATE FUNCTION releases_are_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'releases are append-only';
        END $$
        """
    )
    for table in ("releases", "release_rows"):
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION releases_are_append_only()"
        )


def _create_releases() -> None:
    op.create_table(
        "releases",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("layer", sa.String(), nullable=False),
        sa.Column("district", CODE, nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("borders", sa.String(), nullable=False),
        sa.Column("audit", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("extract(day FROM month) = 1", name=op.f("ck_releases_month_begins_with_its_first_day")),
        sa.CheckConstraint("layer IN ('hazards','incidents')", name=op.f("ck_releases_layer")),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_releases_plan_id_plans")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_releases")),
        sa.UniqueConstraint("layer", "district", "month", name=op.f("uq_releases_layer_district_month")),
    )


def _create_rows() -> None:
    op.create_table(
        "release_rows",
        sa.Column("release_id", sa.BigInteger(), nullable=False),
        sa.Column("area", CODE, nullable=False),
        sa.Column("category", CODE, nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=True),
        sa.CheckConstraint("n IS NULL OR n >= 11", name=op.f("ck_release_rows_nothing_small_is_shown")),
        sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name=op.f("fk_release_rows_release_id_releases")),
        sa.PrimaryKeyConstraint("release_id", "area", "category", name=op.f("pk_release_rows")),
    )


def downgrade() -> None:
    op.drop_table("release_rows")
    op.drop_table("releases")
    op.execute("DROP FUNCTION releases_are_append_only")
