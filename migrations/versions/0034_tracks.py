"""The tracks of workers, which only they see, and phones that began to speak another datum than they state."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("positions", sa.Column("astray", JSONB(), nullable=True))
    op.create_table(
        "track_points",
        sa.Column("worker_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("slot", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("fixed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lon", sa.Float(), nullable=False),
        sa.Column("lat", sa.Float(), nullable=False),
        sa.Column("thinned", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("begins", sa.Boolean(), server_default="false", nullable=False),
        sa.ForeignKeyConstraint(["worker_id"], ["workers.id"], name="fk_track_points_worker_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("worker_id", "slot", name="pk_track_points"),
        schema="personal",
    )
    op.create_index(
        "ix_track_points_fixed_at", "track_points", ["fixed_at"], schema="personal", postgresql_using="brin"
    )
    op.create_index(
        "ix_track_points_unthinned",
        "track_points",
        ["worker_id"],
        schema="personal",
        postgresql_where=sa.text("NOT thinned"),
    )


def downgrade() -> None:
    op.drop_table("track_points", schema="personal")
    op.drop_column("positions", "astray")
