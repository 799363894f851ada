"""The shifts of a week as templates, leave and extra duty, and how many people it takes at least in an area."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

HALF_OPEN = "NOT isempty(span) AND lower_inc(span) AND NOT upper_inc(span)"


def number():
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def worker(table, column, *, nullable=False):
    name = op.f(f"fk_{table}_{column}")
    return (
        sa.Column(column, sa.BigInteger(), nullable=nullable),
        sa.ForeignKeyConstraint([column], ["workers.id"], name=name, ondelete="CASCADE"),
    )


def written():
    return (
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )


def upgrade() -> None:
    op.create_table(
        "shift_templates",
        number(),
        *worker("shift_templates", "worker_id"),
        sa.Column("weekdays", sa.Integer(), nullable=False),
        sa.Column("starts_minute", sa.Integer(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("zone", sa.String(), nullable=False),
        *written(),
        sa.CheckConstraint("weekdays BETWEEN 1 AND 127", name=op.f("ck_shift_templates_some_weekday")),
        sa.CheckConstraint("starts_minute BETWEEN 0 AND 1439", name=op.f("ck_shift_templates_starts_within_a_day")),
        sa.CheckConstraint("minutes BETWEEN 1 AND 2880", name=op.f("ck_shift_templates_no_longer_than_two_days")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shift_templates")),
    )
    op.create_index("ix_shift_templates_worker_id", "shift_templates", ["worker_id"])
    op.create_table(
        "shift_exceptions",
        number(),
        *worker("shift_exceptions", "worker_id"),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("span", postgresql.TSTZRANGE(), nullable=False),
        *worker("shift_exceptions", "substitute_id", nullable=True),
        sa.Column("reason", sa.String(), server_default="", nullable=False),
        *written(),
        sa.CheckConstraint("kind IN ('leave','extra')", name=op.f("ck_shift_exceptions_kind")),
        sa.CheckConstraint(
            "substitute_id IS NULL OR kind = 'leave'", name=op.f("ck_shift_exceptions_only_a_leave_is_stood_in_for")
        ),
        sa.CheckConstraint(
            "substitute_id <> worker_id", name=op.f("ck_shift_exceptions_nobody_stands_in_for_themselves")
        ),
        sa.CheckConstraint(HALF_OPEN, name=op.f("ck_shift_exceptions_span_is_half_open")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shift_exceptions")),
    )
    op.create_index("ix_shift_exceptions_span", "shift_exceptions", ["span"], postgresql_using="gist")
    op.create_table(
        "cover_minimums",
        sa.Column("area", sa.Text(collation="C"), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        *written(),
        sa.CheckConstraint("people >= 0", name=op.f("ck_cover_minimums_people_are_counted")),
        sa.PrimaryKeyConstraint("area", name=op.f("pk_cover_minimums")),
    )


def downgrade() -> None:
    for table in ("cover_minimums", "shift_exceptions", "shift_templates"):
        op.drop_table(table)
