"""Where a plan's frame comes from: a boundary that was given, or the outline of the plan's own grids."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("plans", sa.Column("frame_from", sa.String(), server_default="given", nullable=False))
    op.create_check_constraint(op.f("ck_plans_frame_from"), "plans", "frame_from IN ('given','grids')")


def downgrade() -> None:
    op.drop_column("plans", "frame_from")
