"""Households put into a sub-grid by themselves are found by that sub-grid."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_households_sub_grid_override",
        "households",
        ["sub_grid_override"],
        schema="personal",
        postgresql_where=sa.text("sub_grid_override IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_households_sub_grid_override", "households", schema="personal")
