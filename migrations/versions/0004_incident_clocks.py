"""Incidents know when their next step is due, at which level they are dealt with, and the order of changes."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("incidents", sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("incidents", sa.Column("level", sa.String(), server_default="grid", nullable=False))
    op.create_check_constraint(op.f("ck_incidents_level"), "incidents", "level IN ('grid', 'subdistrict', 'district')")
    op.create_index("ix_incidents_changed_at_id", "incidents", ["changed_at", "id"])


def downgrade() -> None:
    op.drop_index("ix_incidents_changed_at_id", "incidents")
    op.drop_constraint(op.f("ck_incidents_level"), "incidents")
    op.drop_column("incidents", "level")
    op.drop_column("incidents", "due_at")
