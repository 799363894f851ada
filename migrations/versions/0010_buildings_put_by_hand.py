"""Buildings put into a grid by hand are found by that grid: every edit asks."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_buildings_grid_override",
        "buildings",
        ["grid_override"],
        postgresql_where=sa.text("grid_override IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_buildings_grid_override", "buildings")
