"""Run cards: how many of which role are called to a case, level by level, and who was."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def _moment() -> sa.Column[object]:
    return sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def upgrade() -> None:
    op.create_table(
        "run_cards",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("cards", postgresql.JSONB(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        _moment(),
        sa.CheckConstraint("version > 0", name=op.f("ck_run_cards_versions_begin_with_one")),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_run_cards")),
    )
    op.create_table(
        "incident_call_levels",
        sa.Column("incident_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("wanted", postgresql.JSONB(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        _moment(),
        sa.CheckConstraint("level > 0", name=op.f("ck_incident_call_levels_levels_begin_with_one")),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_incident_call_levels_incident_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("incident_id", "level", name=op.f("pk_incident_call_levels")),
    )
    op.create_table(
        "incident_calls",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("incident_id", sa.BigInteger(), nullable=False),
        sa.Column("worker_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), server_default="called", nullable=False),
        sa.Column("why", postgresql.JSONB(), nullable=False),
        _moment(),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('called', 'coming', 'declined')", name=op.f("ck_incident_calls_state")),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_incident_calls_incident_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["worker_id"], ["workers.id"], name=op.f("fk_incident_calls_worker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_calls")),
    )
    once = ["incident_id", "worker_id"]
    op.create_index("uq_incident_calls_incident_id_worker_id", "incident_calls", once, unique=True)
    helping = sa.text("state <> 'declined'")
    op.create_index("ix_incident_calls_worker_id", "incident_calls", ["worker_id"], postgresql_where=helping)


def downgrade() -> None:
    for table in ("incident_calls", "incident_call_levels", "run_cards"):
        op.drop_table(table)
