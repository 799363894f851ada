"""The files that jobs make."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "job_papers",
        sa.Column("job_id", sa.Text(collation="C"), nullable=False),
        sa.Column("form", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("content", postgresql.BYTEA(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_papers_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "form", name=op.f("pk_job_papers")),
    )


def downgrade() -> None:
    op.drop_table("job_papers")
