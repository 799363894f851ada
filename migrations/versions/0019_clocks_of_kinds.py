"""Clocks of incidents: limits of four kinds by the city's calendar, lights, pauses; minutes that were set are kept."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

MOMENTS = ("yellow_at", "late_thrice_at", "paused_until")
DOCUMENTS = ("clock", "grace")
KINDS = "kind IN ('urgent_hours', 'work_hours', 'work_days', 'natural_days')"


def upgrade() -> None:
    op.add_column("category_clocks", sa.Column("amount", sa.Float(), nullable=True))
    op.add_column("category_clocks", sa.Column("kind", sa.String(), server_default="urgent_hours", nullable=False))
    op.execute("UPDATE category_clocks SET amount = minutes / 60.0")
    op.alter_column("category_clocks", "amount", nullable=False)
    op.create_check_constraint(op.f("ck_category_clocks_amount_is_positive"), "category_clocks", "amount > 0")
    op.create_check_constraint(op.f("ck_category_clocks_kind"), "category_clocks", KINDS)
    for name in MOMENTS:
        op.add_column("incidents", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    for name in DOCUMENTS:
        op.add_column("incidents", sa.Column(name, postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    # Deadlines that run were counted in plain minutes: they stay, with the lights that follow from them.
    op.execute("""
        UPDATE incidents i SET yellow_at = due_at - c.minutes * interval '12 seconds',
            late_thrice_at = due_at + c.minutes * interval '2 minutes',
            clock = jsonb_build_object('step', c.step, 'since', due_at - c.minutes * interval '1 minute', 'amount',
                c.amount, 'kind', c.kind, 'pauses', '[]'::jsonb, 'extensions', 0, 'calendar', '{}'::jsonb)
        FROM category_clocks c, (VALUES ('reported', 'triage'), ('waiting', 'dispatch'), ('triaged', 'dispatch'),
            ('dispatched', 'accept'), ('accepted', 'arrive'), ('arrived', 'handle'), ('handled', 'verify'),
            ('verified', 'feed_back'), ('fed_back', 'close')) AS awaited (state, step)
        WHERE i.due_at IS NOT NULL AND awaited.state = i.state AND c.step = awaited.step AND c.category = i.category
            AND c.level = i.level
    """)
    op.drop_constraint(op.f("ck_category_clocks_minutes_are_positive"), "category_clocks", type_="check")
    op.drop_column("category_clocks", "minutes")


def downgrade() -> None:
    op.add_column("category_clocks", sa.Column("minutes", sa.Integer(), nullable=True))
    # A work day is told as the day that it at least takes.
    op.execute("""
        UPDATE category_clocks SET minutes =
            greatest(1, round(amount * CASE WHEN kind LIKE '%_hours' THEN 60 ELSE 1440 END))
    """)
    op.alter_column("category_clocks", "minutes", nullable=False)
    op.create_check_constraint(op.f("ck_category_clocks_minutes_are_positive"), "category_clocks", "minutes > 0")
    op.drop_constraint(op.f("ck_category_clocks_kind"), "category_clocks", type_="check")
    op.drop_constraint(op.f("ck_category_clocks_amount_is_positive"), "category_clocks", type_="check")
    for name in ("amount", "kind"):
        op.drop_column("category_clocks", name)
    for name in (*MOMENTS, *DOCUMENTS):
        op.drop_column("incidents", name)
