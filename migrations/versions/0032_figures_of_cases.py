"""What figures need of a case once its clock is gone: whether it had one, what it missed first, which steps it took."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

STEPS = ("dispatch", "reassign", "decline", "timeout", "pass_on", "send_back", "reopen", "settle", "feed_back")


def upgrade() -> None:
    op.add_column("incidents", sa.Column("timed", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("incidents", sa.Column("late_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("incidents", sa.Column("late_step", sa.String(), nullable=True))
    op.add_column("incidents", sa.Column("steps_taken", sa.Integer(), server_default="0", nullable=False))
    # A clock that runs is known; of those that ended before today nothing is stored, and nothing is made up.
    op.execute("UPDATE incidents SET timed = true WHERE clock IS NOT NULL")
    op.execute(
        sa.text(
            "UPDATE incidents SET steps_taken = found.bits FROM ("
            " SELECT incident_id, bit_or(1 << (array_position(:steps, step) - 1)) AS bits FROM incident_steps"
            " WHERE step = ANY(:steps) GROUP BY incident_id) AS found WHERE incidents.id = found.incident_id"
        ).bindparams(sa.bindparam("steps", list(STEPS), type_=sa.ARRAY(sa.Text())))
    )


def downgrade() -> None:
    for column in ("timed", "late_at", "late_step", "steps_taken"):
        op.drop_column("incidents", column)
