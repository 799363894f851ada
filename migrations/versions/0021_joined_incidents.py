"""What a duplicate was joined to, so that its reporter hears the answer too."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("incidents", sa.Column("joined_to", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_incidents_joined_to_incidents"), "incidents", "incidents", ["joined_to"], ["id"])
    op.create_index(
        "ix_incidents_joined_to", "incidents", ["joined_to"], postgresql_where=sa.text("joined_to IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_index("ix_incidents_joined_to", "incidents")
    op.drop_constraint(op.f("fk_incidents_joined_to_incidents"), "incidents", type_="foreignkey")
    op.drop_column("incidents", "joined_to")
