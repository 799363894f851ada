"""Events get a number in the order of their commits, positions the transaction that wrote them: what a stream goes by."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outgoing_events", sa.Column("number", sa.BigInteger(), nullable=True))
    op.create_index("uq_outgoing_events_number", "outgoing_events", ["number"], unique=True)
    written_in = sa.Column(
        "written_in", sa.BigInteger(), server_default=sa.text("((pg_current_xact_id())::text)::bigint"), nullable=False
    )
    op.add_column("positions", written_in)


def downgrade() -> None:
    op.drop_column("positions", "written_in")
    op.drop_index("uq_outgoing_events_number", "outgoing_events")
    op.drop_column("outgoing_events", "number")
