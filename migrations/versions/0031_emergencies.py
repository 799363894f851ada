"""Emergency mode of an area, who is lent to it, and calls at buildings."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    half_open = "NOT isempty(span) AND lower_inc(span) AND NOT upper_inc(span)"
    op.create_table(
        "emergencies",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("area", sa.Text(collation="C"), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("span", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("rule", postgresql.JSONB(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.CheckConstraint(half_open, name=op.f("ck_emergencies_span_is_half_open")),
        sa.CheckConstraint("NOT upper_inf(span)", name=op.f("ck_emergencies_it_ends")),
        postgresql.ExcludeConstraint(
            (sa.column("area"), "="), (sa.column("span"), "&&"), using="gist", name="one_at_a_time"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emergencies")),
    )
    op.create_table(
        "emergency_helpers",
        sa.Column("emergency_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("worker_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["emergency_id"], ["emergencies.id"], name=op.f("fk_emergency_helpers_emergency_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["worker_id"], ["workers.id"], name=op.f("fk_emergency_helpers_worker_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("emergency_id", "worker_id", name=op.f("pk_emergency_helpers")),
    )
    op.create_table(
        "emergency_calls",
        sa.Column("emergency_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("building_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("note", sa.String(), server_default="", nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("outcome IN ('answered', 'nobody', 'needs_help')", name=op.f("ck_emergency_calls_outcome")),
        sa.ForeignKeyConstraint(
            ["emergency_id"], ["emergencies.id"], name=op.f("fk_emergency_calls_emergency_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["building_id"], ["buildings.id"], name=op.f("fk_emergency_calls_building_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("emergency_id", "building_id", name=op.f("pk_emergency_calls")),
    )


def downgrade() -> None:
    op.drop_table("emergency_calls")
    op.drop_table("emergency_helpers")
    op.drop_table("emergencies")
