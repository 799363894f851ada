"""People and keys of the role unit belong to a department and see its cases."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("users", "keys"):
        op.add_column(table, sa.Column("unit_code", sa.Text(collation="C"), nullable=True))


def downgrade() -> None:
    for table in ("users", "keys"):
        op.drop_column(table, "unit_code")
