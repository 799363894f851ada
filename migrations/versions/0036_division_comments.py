"""What planners say of the proposals of a division."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "division_comments",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("job_id", sa.Text(collation="C"), nullable=False),
        sa.Column("profile", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("by", sa.Text(collation="C"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_division_comments_job_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_division_comments"),
    )
    op.create_index("ix_division_comments_job_id", "division_comments", ["job_id"])


def downgrade() -> None:
    op.drop_table("division_comments")
