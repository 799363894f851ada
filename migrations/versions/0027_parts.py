"""A case is split into parts, which are cases with owners and clocks of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None
STATES = (
    *("reported", "triaged", "dispatched", "accepted", "arrived", "handled", "verified", "fed_back", "closed"),
    *("waiting", "duplicate", "cancelled", "void"),
)


def _states(*states: str) -> str:
    return f"state IN ({', '.join(repr(state) for state in states)})"


def upgrade() -> None:
    op.add_column("incidents", sa.Column("part_of", sa.BigInteger(), nullable=True))
    op.add_column("incidents", sa.Column("leads", sa.Boolean(), server_default="false", nullable=False))
    op.create_foreign_key(op.f("fk_incidents_part_of"), "incidents", "incidents", ["part_of"], ["id"])
    parts = sa.text("part_of IS NOT NULL")
    op.create_index("ix_incidents_part_of", "incidents", ["part_of"], postgresql_where=parts)
    op.create_check_constraint(op.f("ck_incidents_a_part_leads"), "incidents", "part_of IS NOT NULL OR NOT leads")
    op.drop_constraint(op.f("ck_incidents_state"), "incidents")
    op.create_check_constraint(op.f("ck_incidents_state"), "incidents", _states(*STATES, "split"))


def downgrade() -> None:
    op.execute("UPDATE incidents SET state = 'triaged' WHERE state = 'split'")
    op.drop_constraint(op.f("ck_incidents_state"), "incidents")
    op.create_check_constraint(op.f("ck_incidents_state"), "incidents", _states(*STATES))
    op.drop_constraint(op.f("ck_incidents_a_part_leads"), "incidents")
    op.drop_index("ix_incidents_part_of", "incidents")
    op.drop_column("incidents", "leads")
    op.drop_column("incidents", "part_of")
