"""Browsers in which a person has signed in: whoever guesses elsewhere does not keep them waiting."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "known_browsers",
        sa.Column("sha256", postgresql.BYTEA(), nullable=False),
        sa.Column("user_name", sa.Text(collation="C"), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_name"], ["users.name"], name=op.f("fk_known_browsers_user_name"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("sha256", "user_name", name=op.f("pk_known_browsers")),
    )
    op.create_index(op.f("ix_known_browsers_user_name"), "known_browsers", ["user_name"], unique=False)


def downgrade() -> None:
    op.drop_table("known_browsers")
