"""Plans carry their successors, what is left to redo after a rebase, and drafts may be archived."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

NUMBERED = "ck_plans_publications_are_numbered"


def upgrade() -> None:
    op.create_table(
        "plan_successors",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("plan_id", sa.BigInteger, nullable=False),
        sa.Column("grid_code", sa.Text(collation="C"), nullable=False),
        sa.Column("worker_id", sa.BigInteger, nullable=True),
        sa.Column("role", sa.String, nullable=True),
        sa.Column("origin", sa.String, nullable=False, server_default="decided"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_successors")),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["plans.id"], name=op.f("fk_plan_successors_plan_id_plans"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["worker_id"], ["workers.id"], name=op.f("fk_plan_successors_worker_id_workers"), ondelete="CASCADE"
        ),
        sa.UniqueConstraint(
            "plan_id",
            "grid_code",
            "worker_id",
            "role",
            name=op.f("uq_plan_successors_plan_id_grid_code_worker_id_role"),
        ),
        sa.CheckConstraint(
            "(worker_id IS NULL) = (role IS NULL)", name=op.f("ck_plan_successors_a_charge_has_worker_and_role")
        ),
        sa.CheckConstraint("origin IN ('decided','proposed')", name=op.f("ck_plan_successors_origin")),
    )
    op.add_column("plans", sa.Column("to_redo", JSONB, nullable=True))
    op.drop_constraint(op.f(NUMBERED), "plans")
    op.execute(
        f"ALTER TABLE plans ADD CONSTRAINT {NUMBERED} CHECK "
        "((state <> 'published' OR plan_version IS NOT NULL) "
        "AND (plan_version IS NULL OR state IN ('published','archived')))"
    )


def downgrade() -> None:
    op.execute("DELETE FROM plans WHERE state = 'archived' AND plan_version IS NULL")
    op.drop_constraint(op.f(NUMBERED), "plans")
    op.execute(
        f"ALTER TABLE plans ADD CONSTRAINT {NUMBERED} CHECK "
        "((state IN ('published','archived')) = (plan_version IS NOT NULL))"
    )
    op.drop_column("plans", "to_redo")
    op.drop_table("plan_successors")
