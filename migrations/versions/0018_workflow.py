"""The workflow as one table: proofs of places in the timeline, cases that are not accepted, settings of dispatching."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

STATES = (
    *("reported", "triaged", "dispatched", "accepted", "arrived", "handled", "verified", "fed_back", "closed"),
    *("waiting", "duplicate", "cancelled"),
)


def _states(*states: str) -> str:
    return f"state IN ({', '.join(repr(state) for state in states)})"


def upgrade() -> None:
    op.add_column("incident_steps", sa.Column("proof", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.drop_constraint(op.f("ck_incidents_state"), "incidents", type_="check")
    op.create_check_constraint(op.f("ck_incidents_state"), "incidents", _states(*STATES, "void"))
    op.create_table(
        "dispatch_settings",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rules", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("ck_dispatch_settings_versions_begin_with_one")),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_dispatch_settings")),
    )


def downgrade() -> None:
    op.drop_table("dispatch_settings")
    op.execute("UPDATE incidents SET state = 'cancelled' WHERE state = 'void'")
    op.drop_constraint(op.f("ck_incidents_state"), "incidents", type_="check")
    op.create_check_constraint(op.f("ck_incidents_state"), "incidents", _states(*STATES))
    op.drop_column("incident_steps", "proof")
