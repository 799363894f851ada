"""Who sent a worker's last position, and whether it was their own account or a gateway of their devices."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("keys", sa.Column("gateway", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("positions", sa.Column("sent_by", sa.String(), nullable=True))
    # Of what is stored already nobody knows who sent it; as a proof it is too old within five minutes.
    op.add_column("positions", sa.Column("first_hand", sa.Boolean(), server_default="true", nullable=False))


def downgrade() -> None:
    op.drop_column("positions", "first_hand")
    op.drop_column("positions", "sent_by")
    op.drop_column("keys", "gateway")
