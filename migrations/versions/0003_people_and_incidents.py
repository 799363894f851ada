"""Accounts, workers, duty, devices, incidents and the history."""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = (
    "history",
    "idempotency_keys",
    "keys",
    "users",
    "workers",
    "assignments",
    "positions",
    "shifts",
    "sign_ins",
    "incidents",
    "decisions",
    "incident_steps",
    "personal.devices",
    "personal.reporters",
)


def upgrade() -> None:
    _add_history()
    _add_idempotency_keys()
    _add_keys()
    _add_users()
    _add_workers()
    _add_assignments()
    _add_positions()
    _add_shifts()
    _add_sign_ins()
    _add_incidents()
    _add_decisions()
    _add_incident_steps()
    _add_devices()
    _add_reporters()
    _guard_history()


def _add_history() -> None:
    op.create_table(
        "history",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("area", sa.Text(collation="C"), server_default="", nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sealed", sa.Integer(), nullable=True),
        sa.Column("digest", postgresql.BYTEA(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_history")),
        sa.UniqueConstraint("sealed", name=op.f("uq_history_sealed")),
    )
    op.create_index(op.f("ix_history_action"), "history", ["action"], unique=False)
    op.create_index(op.f("ix_history_subject"), "history", ["subject"], unique=False)


def _add_idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("client", sa.Text(collation="C"), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("body_sha256", postgresql.BYTEA(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("client", "key", name=op.f("pk_idempotency_keys")),
    )


def _add_keys() -> None:
    op.create_table(
        "keys",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("area", sa.Text(collation="C"), server_default="", nullable=False),
        sa.Column("datum", sa.String(), nullable=True),
        sa.Column("sha256", postgresql.BYTEA(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "datum IS NULL OR datum IN ('wgs84', 'cgcs2000', 'gcj02', 'bd09')", name=op.f("ck_keys_datum")
        ),
        sa.CheckConstraint(
            "role IN ('planner', 'dispatcher', 'leader', 'worker', 'unit', 'admin', 'auditor')",
            name=op.f("ck_keys_role"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keys")),
        sa.UniqueConstraint("name", name=op.f("uq_keys_name")),
        sa.UniqueConstraint("sha256", name=op.f("uq_keys_sha256")),
    )


def _add_users() -> None:
    op.create_table(
        "users",
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("area", sa.Text(collation="C"), server_default="", nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("language", sa.String(), server_default="zh-CN", nullable=False),
        sa.Column("worker_id", sa.Integer(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "role IN ('planner', 'dispatcher', 'leader', 'worker', 'unit', 'admin', 'auditor')",
            name=op.f("ck_users_role"),
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_users")),
    )


def _add_workers() -> None:
    op.create_geospatial_table(
        "workers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("number", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("area", sa.Text(collation="C"), nullable=False),
        sa.Column("phone", sa.String(), nullable=True),
        sa.Column("unit_code", sa.Text(collation="C"), nullable=True),
        sa.Column("home", Geometry(geometry_type="POINT", srid=4326, spatial_index=False), nullable=True),
        sa.Column("active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("last_assigned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "role IN ('grid_worker','grid_leader','building_leader','patrol_team','service_team')",
            name=op.f("ck_workers_role"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workers")),
        sa.UniqueConstraint("number", name=op.f("uq_workers_number")),
    )
    op.create_index(op.f("ix_workers_area"), "workers", ["area"], unique=False)


def _add_assignments() -> None:
    op.create_table(
        "assignments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("worker_id", sa.BigInteger(), nullable=False),
        sa.Column("grid_code", sa.Text(collation="C"), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("span", postgresql.TSTZRANGE(), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("worker_id"), "="),
            (sa.column("grid_code"), "="),
            (sa.column("role"), "="),
            (sa.column("span"), "&&"),
            using="gist",
            name="charge_once",
        ),
        sa.CheckConstraint(
            "NOT isempty(span) AND lower_inc(span) AND NOT upper_inc(span)",
            name=op.f("ck_assignments_span_is_half_open"),
        ),
        sa.ForeignKeyConstraint(
            ["worker_id"], ["workers.id"], name=op.f("fk_assignments_worker_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignments")),
    )
    op.create_index("ix_assignments_grid_code", "assignments", ["grid_code"], unique=False)


def _add_positions() -> None:
    op.create_table(
        "positions",
        sa.Column("worker_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("raw_lon", sa.Double(), nullable=False),
        sa.Column("raw_lat", sa.Double(), nullable=False),
        sa.Column("datum", sa.String(), server_default="wgs84", nullable=False),
        sa.Column("accuracy_m", sa.Double(), nullable=True),
        sa.Column("fixed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("lon BETWEEN -180 AND 180 AND lat BETWEEN -90 AND 90", name=op.f("ck_positions_on_earth")),
        sa.ForeignKeyConstraint(["worker_id"], ["workers.id"], name=op.f("fk_positions_worker_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("worker_id", name=op.f("pk_positions")),
        postgresql_with={"fillfactor": "50"},
    )


def _add_shifts() -> None:
    op.create_table(
        "shifts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("worker_id", sa.BigInteger(), nullable=False),
        sa.Column("span", postgresql.TSTZRANGE(), nullable=False),
        sa.CheckConstraint(
            "upper(span) - lower(span) <= interval '48 hours'", name=op.f("ck_shifts_no_longer_than_two_days")
        ),
        sa.CheckConstraint(
            "NOT isempty(span) AND lower_inc(span) AND NOT upper_inc(span)", name=op.f("ck_shifts_span_is_half_open")
        ),
        sa.ForeignKeyConstraint(["worker_id"], ["workers.id"], name=op.f("fk_shifts_worker_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shifts")),
    )
    op.create_index("ix_shifts_span", "shifts", ["span"], unique=False, postgresql_using="gist")
    op.create_index("ix_shifts_worker_id", "shifts", ["worker_id"], unique=False)


def _add_sign_ins() -> None:
    op.create_table(
        "sign_ins",
        sa.Column("sha256", postgresql.BYTEA(), nullable=False),
        sa.Column("user_name", sa.Text(collation="C"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_name"], ["users.name"], name=op.f("fk_sign_ins_user_name"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_sign_ins")),
    )
    op.create_index(op.f("ix_sign_ins_user_name"), "sign_ins", ["user_name"], unique=False)


def _add_incidents() -> None:
    op.create_geospatial_table(
        "incidents",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("waiting_reason", sa.String(), nullable=True),
        sa.Column("category", sa.Text(collation="C"), nullable=False),
        sa.Column("urgency", sa.String(), server_default="normal", nullable=False),
        sa.Column("description", sa.String(), server_default="", nullable=False),
        sa.Column("channel", sa.String(), server_default="hotline", nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("relation", sa.String(), server_default="inside", nullable=False),
        sa.Column("district", sa.Text(collation="C"), nullable=True),
        sa.Column("grid_code", sa.Text(collation="C"), nullable=True),
        sa.Column("sub_grid_code", sa.Text(collation="C"), nullable=True),
        sa.Column("current_code", sa.Text(collation="C"), nullable=True),
        sa.Column("desk_area", sa.Text(collation="C"), nullable=True),
        sa.Column("plan_version", sa.Integer(), nullable=True),
        sa.Column("index_version", sa.Integer(), nullable=True),
        sa.Column("worker_id", sa.BigInteger(), nullable=True),
        sa.Column("unit_code", sa.Text(collation="C"), nullable=True),
        sa.Column("location", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("geom", Geometry(geometry_type="POINT", srid=4326, spatial_index=False), nullable=False),
        sa.Column("raw_lon", sa.Double(), nullable=False),
        sa.Column("raw_lat", sa.Double(), nullable=False),
        sa.Column("datum", sa.String(), server_default="wgs84", nullable=False),
        sa.Column("accuracy_m", sa.Double(), nullable=True),
        sa.Column("source", sa.String(), server_default="", nullable=False),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(state = 'waiting') = (waiting_reason IS NOT NULL)", name=op.f("ck_incidents_waiting_has_a_reason")
        ),
        sa.CheckConstraint(
            "state IN ('reported', 'triaged', 'dispatched', 'accepted', 'arrived', 'handled', 'verified', 'fed_back', 'closed', 'waiting', 'duplicate', 'cancelled')",
            name=op.f("ck_incidents_state"),
        ),
        sa.CheckConstraint("urgency IN ('low', 'normal', 'high', 'critical')", name=op.f("ck_incidents_urgency")),
        sa.ForeignKeyConstraint(["category"], ["categories.code"], name=op.f("fk_incidents_category")),
        sa.ForeignKeyConstraint(["worker_id"], ["workers.id"], name=op.f("fk_incidents_worker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
    )
    op.create_geospatial_index(
        "idx_incidents_geom", "incidents", ["geom"], unique=False, postgresql_using="gist", postgresql_ops={}
    )
    op.create_index("ix_incidents_current_code_reported_at", "incidents", ["current_code", "reported_at"], unique=False)
    op.create_index(op.f("ix_incidents_reported_at"), "incidents", ["reported_at"], unique=False)
    op.create_index("ix_incidents_state_reported_at", "incidents", ["state", "reported_at"], unique=False)
    op.create_index("ix_incidents_worker_id_state", "incidents", ["worker_id", "state"], unique=False)
    op.create_index("uq_incidents_source_external_id", "incidents", ["source", "external_id"], unique=True)


def _add_decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("incident_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("policy", sa.String(), nullable=False),
        sa.Column("plan_version", sa.Integer(), nullable=True),
        sa.Column("index_version", sa.Integer(), nullable=True),
        sa.Column("chosen", sa.BigInteger(), nullable=True),
        sa.Column("candidates", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("rejected", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_decisions_incident_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
    )
    op.create_index(op.f("ix_decisions_incident_id"), "decisions", ["incident_id"], unique=False)


def _add_incident_steps() -> None:
    op.create_table(
        "incident_steps",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("incident_id", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("note", sa.String(), server_default="", nullable=False),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("to", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_incident_steps_incident_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_steps")),
    )
    op.create_index("ix_incident_steps_incident_id_id", "incident_steps", ["incident_id", "id"], unique=False)


def _add_devices() -> None:
    op.create_geospatial_table(
        "devices",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("serial", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="working", nullable=False),
        sa.Column("household_id", sa.BigInteger(), nullable=True),
        sa.Column("building_id", sa.BigInteger(), nullable=True),
        sa.Column("grid_code", sa.Text(collation="C"), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("geom", Geometry(geometry_type="POINT", srid=4326, spatial_index=False), nullable=False),
        sa.CheckConstraint("kind IN ('sos_button','infrared_sensor')", name=op.f("ck_devices_kind")),
        sa.CheckConstraint("state IN ('working','low_battery','broken')", name=op.f("ck_devices_state")),
        sa.ForeignKeyConstraint(["building_id"], ["buildings.id"], name=op.f("fk_devices_building_id")),
        sa.ForeignKeyConstraint(["household_id"], ["personal.households.id"], name=op.f("fk_devices_household_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_devices")),
        sa.UniqueConstraint("serial", name=op.f("uq_devices_serial")),
        schema="personal",
    )
    op.create_geospatial_index(
        "idx_devices_geom",
        "devices",
        ["geom"],
        unique=False,
        schema="personal",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_index(op.f("ix_devices_grid_code"), "devices", ["grid_code"], unique=False, schema="personal")


def _add_reporters() -> None:
    op.create_table(
        "reporters",
        sa.Column("incident_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("phone", sa.String(), nullable=True),
        sa.Column("worker_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_reporters_incident_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("incident_id", name=op.f("pk_reporters")),
        schema="personal",
    )


def _guard_history() -> None:
    op.execute(
        """
        CREATE FUNCTION history_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'UPDATE' AND OLD.sealed IS NULL
                AND to_jsonb(NEW) - 'sealed' - 'digest' = to_jsonb(OLD) - 'sealed' - 'digest' THEN
                RETURN NEW;
            END IF;
            RAISE EXCEPTION 'history is append-only';
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON history "
        "FOR EACH ROW EXECUTE FUNCTION history_is_append_only()"
    )
    op.execute(
        "CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON history EXECUTE FUNCTION history_is_append_only()"
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP FUNCTION history_is_append_only")
