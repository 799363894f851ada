"""Two field tasks: who is on the way to look whether a case exists or is done, and how long looking may take."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("incidents", sa.Column("collector_id", sa.BigInteger(), nullable=True))
    op.add_column("incidents", sa.Column("inspect_last", sa.Boolean(), server_default="false", nullable=False))
    op.create_foreign_key(op.f("fk_incidents_collector_id"), "incidents", "workers", ["collector_id"], ["id"])
    sent = sa.text("collector_id IS NOT NULL")
    op.create_index("ix_incidents_collector_id", "incidents", ["collector_id"], postgresql_where=sent)
    task = "collector_id IS NULL OR state IN ('reported', 'handled')"
    op.create_check_constraint(op.f("ck_incidents_a_collector_has_a_task"), "incidents", task)
    # Who looks has to get there: as long as whoever is sent to settle it.
    op.execute(
        "INSERT INTO category_clocks (category, level, step, amount, kind)"
        " SELECT category, level, 'confirm', amount, kind FROM category_clocks WHERE step = 'arrive'"
        " ON CONFLICT DO NOTHING"
    )


def downgrade() -> None:
    op.execute("DELETE FROM category_clocks WHERE step = 'confirm'")
    op.drop_constraint(op.f("ck_incidents_a_collector_has_a_task"), "incidents")
    op.drop_index("ix_incidents_collector_id", "incidents")
    op.drop_constraint(op.f("fk_incidents_collector_id"), "incidents", type_="foreignkey")
    op.drop_column("incidents", "inspect_last")
    op.drop_column("incidents", "collector_id")
