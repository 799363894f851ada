"""What happened to a plan, version by version, with the keys of the requests that did it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "plan_events",
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("op", sa.String(), nullable=True),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=True),
        sa.Column("codes", postgresql.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("households", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("added", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("cleared", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("key", sa.String(), nullable=True),
        sa.Column("body_sha256", postgresql.BYTEA(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_plan_events_plan_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("plan_id", "version", name=op.f("pk_plan_events")),
        sa.UniqueConstraint("plan_id", "key", name=op.f("uq_plan_events_plan_id_key")),
    )


def downgrade() -> None:
    op.drop_table("plan_events")
