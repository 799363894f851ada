"""Publications within two years, fixes not from the future; that every moment lies in 1970 to 2100 is `moments.py`."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

CHECKS = (
    ("publications", "effective_within_two_years", "effective_at <= at + interval '732 days'"),
    ("positions", "fixed_before_it_was_received", "fixed_at <= received_at + interval '1 day'"),
)


def upgrade() -> None:
    for table, name, condition in CHECKS:
        # What is stored already is not judged: an upgrade must not fail for one row of long ago.
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{name} CHECK ({condition}) NOT VALID")


def downgrade() -> None:
    for table, name, _ in CHECKS:
        op.drop_constraint(f"ck_{table}_{name}", table, type_="check")
