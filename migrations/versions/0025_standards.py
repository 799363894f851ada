"""The standard sheet in versions, and which condition a case has; until when whoever was sent has to accept it."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

KINDS = "kind IN ('urgent_hours', 'work_hours', 'work_days', 'natural_days')"


def code(name, *, nullable=False):
    return sa.Column(name, sa.Text(collation="C"), nullable=nullable)


def words(name):
    return sa.Column(name, sa.String(), server_default="", nullable=False)


def upgrade() -> None:
    op.create_table(
        "standards",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sub_classes", sa.Integer(), nullable=False),
        sa.Column("conditions", sa.Integer(), nullable=False),
        words("note"),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("ck_standards_versions_begin_with_one")),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_standards")),
    )
    op.create_table(
        "standard_sub_classes",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        code("code"),
        sa.Column("position", sa.Integer(), nullable=False),
        words("kind"),
        sa.Column("class_name", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        words("supervising"),
        words("responsible"),
        words("basis"),
        sa.ForeignKeyConstraint(["version"], ["standards.version"], name=op.f("fk_standard_sub_classes_version")),
        sa.PrimaryKeyConstraint("version", "code", name=op.f("pk_standard_sub_classes")),
    )
    op.create_table(
        "standard_conditions",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        code("code"),
        code("sub_class"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("case", sa.String(), nullable=False),
        sa.Column("amount", sa.Float(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        words("closes"),
        sa.CheckConstraint("amount > 0", name=op.f("ck_standard_conditions_amount_is_positive")),
        sa.CheckConstraint(KINDS, name=op.f("ck_standard_conditions_kind")),
        sa.ForeignKeyConstraint(
            ["version", "sub_class"],
            ["standard_sub_classes.version", "standard_sub_classes.code"],
            name=op.f("fk_standard_conditions_version_sub_class"),
        ),
        sa.PrimaryKeyConstraint("version", "code", name=op.f("pk_standard_conditions")),
    )
    op.add_column("incidents", sa.Column("standard_version", sa.Integer(), nullable=True))
    op.add_column("incidents", code("condition", nullable=True))
    op.add_column("incidents", sa.Column("accept_by", sa.DateTime(timezone=True), nullable=True))
    op.create_foreign_key(
        op.f("fk_incidents_standard_version_condition"),
        "incidents",
        "standard_conditions",
        ["standard_version", "condition"],
        ["version", "code"],
    )


def downgrade() -> None:
    op.drop_constraint(op.f("fk_incidents_standard_version_condition"), "incidents", type_="foreignkey")
    for column in ("accept_by", "condition", "standard_version"):
        op.drop_column("incidents", column)
    for table in ("standard_conditions", "standard_sub_classes", "standards"):
        op.drop_table(table)
