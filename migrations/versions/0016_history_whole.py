"""History that tells what is missing: a mark for each line until it is sealed, the chain's head, the kind of actor."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Null for lines of before: their digests cover neither the kind nor the area.
    op.add_column("history", sa.Column("kind", sa.String(), nullable=True))
    op.create_table(
        "history_marks",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sha256", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_history_marks")),
    )
    op.create_table(
        "history_head",
        sa.Column("one", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("sealed", sa.Integer(), nullable=False),
        sa.Column("digest", postgresql.BYTEA(), nullable=False),
        sa.CheckConstraint("one", name=op.f("ck_history_head_one")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_history_head")),
    )
    # By the text of the row in UTC, whatever the zone of whoever writes or looks.
    op.execute("""
        CREATE FUNCTION history_mark(line history) RETURNS bytea LANGUAGE sql STABLE SET timezone = 'UTC' AS
        $$ SELECT sha256(convert_to((to_jsonb(line) - 'sealed' - 'digest')::text, 'UTF8')) $$
    """)
    op.execute("""
        CREATE FUNCTION mark_history() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
        BEGIN
            INSERT INTO history_marks VALUES (NEW.id, history_mark(NEW));
            RETURN NULL;
        END $$
    """)
    op.execute("CREATE TRIGGER marked AFTER INSERT ON history FOR EACH ROW EXECUTE FUNCTION mark_history()")
    op.execute("INSERT INTO history_marks SELECT id, history_mark(history) FROM history WHERE sealed IS NULL")
    op.execute("""
        INSERT INTO history_head (sealed, digest) SELECT coalesce(max(sealed), 0), coalesce(
            (SELECT digest FROM history WHERE sealed IS NOT NULL ORDER BY sealed DESC LIMIT 1),
            decode(repeat('00', 32), 'hex')) FROM history
    """)


def downgrade() -> None:
    op.execute("DROP TRIGGER marked ON history")
    op.execute("DROP FUNCTION mark_history")
    op.execute("DROP FUNCTION history_mark")
    op.drop_table("history_head")
    op.drop_table("history_marks")
    op.drop_column("history", "kind")
