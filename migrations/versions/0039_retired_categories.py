"""Why nothing is reported under a category any more."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("categories", sa.Column("retired", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("categories", "retired")
