"""Whoever is on a risky task says that they are well: how often, until when, and when it was told that they did not."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("incidents", sa.Column("check_in_minutes", sa.Integer(), nullable=True))
    op.add_column("incidents", sa.Column("check_in_by", sa.DateTime(timezone=True), nullable=True))
    op.add_column("incidents", sa.Column("check_in_missed_at", sa.DateTime(timezone=True), nullable=True))
    runs = sa.text("check_in_by IS NOT NULL")
    op.create_index("ix_incidents_check_in_by", "incidents", ["check_in_by"], postgresql_where=runs)
    in_hand = "check_in_by IS NULL OR state IN ('accepted', 'arrived')"
    op.create_check_constraint(op.f("ck_incidents_a_check_in_is_of_a_task_in_hand"), "incidents", in_hand)


def downgrade() -> None:
    op.drop_constraint(op.f("ck_incidents_a_check_in_is_of_a_task_in_hand"), "incidents")
    op.drop_index("ix_incidents_check_in_by", "incidents")
    for column in ("check_in_minutes", "check_in_by", "check_in_missed_at"):
        op.drop_column("incidents", column)
