"""Our own tables, in a schema of their own on PostgreSQL."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_core.migrations.tables import MOMENT, SYNC_SCHEMA, add_index

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create every table of ours."""
    _shop_sync()
    _install()
    _sync_attempt()
    _transition()
    _sweep()
    _heartbeat()
    _alert()
    _mute()
    _audit()
    _webhook_inbox()
    _oauth_state()
    _token()
    _setting()
    _rollup_hour()
    _rollup_duration()
    _shop_profile()
    _note()


def _index(name: str, table: str, columns: list[str], *, where: str | None = None, unique: bool = False) -> None:
    add_index(name, table, columns, schema=SYNC_SCHEMA, where=where, unique=unique)


def _shop_sync() -> None:
    op.create_table(
        "shop_sync",
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("shop_domain", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("hold", sa.Text()),
        sa.Column("generation", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("fence", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("failures", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("not_founds", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("failing_since", MOMENT),
        sa.Column("error_class", sa.Text()),
        sa.Column("error_message", sa.Text()),
        sa.Column("attention", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        sa.Column("lease_owner", sa.Text()),
        sa.Column("installed_at", MOMENT, nullable=False),
        sa.Column("authorised_at", MOMENT, nullable=False),
        sa.Column("token_version", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("app_token_digest", sa.Text(), nullable=False, server_default=""),
        sa.Column("first_synced_at", MOMENT),
        sa.Column("last_synced_at", MOMENT),
        sa.Column("due_at", MOMENT),
        sa.Column("wake_at", MOMENT),
        sa.Column("priority", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("cursor", sa.JSON(), nullable=False, server_default="{}"),
        sa.Column("held", sa.JSON(), nullable=False, server_default="{}"),
        sa.Column("progress_at", MOMENT),
        sa.PrimaryKeyConstraint("shop_id", name="pk_shop_sync"),
        sa.UniqueConstraint("shop_domain", name="uq_shop_sync_shop_domain"),
        sa.CheckConstraint(
            "hold IS NULL OR hold IN ('frozen', 'locked', 'scope', 'reauthorise', 'gone', 'uninstalled', 'stopped')",
            name="ck_shop_sync_hold",
        ),
        sa.CheckConstraint("(status = 'IN_PROGRESS') = (lease_owner IS NOT NULL)", name="ck_shop_sync_lease_owner"),
        sa.CheckConstraint("status IN ('PENDING', 'IN_PROGRESS', 'COMPLETED', 'FAILED')", name="ck_shop_sync_status"),
        schema=SYNC_SCHEMA,
    )
    _index("ix_shop_sync_due", "shop_sync", ["due_at"], where="due_at IS NOT NULL")
    _index("ix_shop_sync_status", "shop_sync", ["status", "shop_id"])
    _index("ix_shop_sync_trouble", "shop_sync", ["hold", "error_class"], where="hold IS NOT NULL OR failures > 0")
    _index("ix_shop_sync_wake", "shop_sync", ["priority", "wake_at"], where="wake_at IS NOT NULL")


def _install() -> None:
    op.create_table(
        "install",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("installed_at", MOMENT, nullable=False),
        sa.Column("pickup_deadline", MOMENT, nullable=False),
        sa.Column("success_deadline", MOMENT, nullable=False),
        sa.Column("first_claimed_at", MOMENT),
        sa.Column("first_synced_at", MOMENT),
        sa.Column("withdrawn_at", MOMENT),
        sa.Column("path", sa.Text()),
        sa.Column("watched", sa.Boolean(), nullable=False, server_default=sa.text("true")),
        sa.PrimaryKeyConstraint("id", name="pk_install"),
        sa.UniqueConstraint("shop_id", "generation", name="uq_install_shop_id_generation"),
        schema=SYNC_SCHEMA,
    )
    _index("ix_install_installed", "install", ["installed_at"])
    _index("ix_install_pickup_deadline", "install", ["pickup_deadline"])
    _index("ix_install_success_deadline", "install", ["success_deadline"])


def _sync_attempt() -> None:
    op.create_table(
        "sync_attempt",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer()),
        sa.Column("number", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False, server_default="changes"),
        sa.Column("actor", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("taken_by", sa.Text()),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("claimed_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.Column("outcome", sa.Text()),
        sa.Column("error_class", sa.Text()),
        sa.Column("error_message", sa.Text()),
        sa.Column("http_status", sa.Integer()),
        sa.Column("request_id", sa.Text()),
        sa.Column("plan", sa.Text()),
        sa.Column("progress", sa.JSON(), nullable=False, server_default="{}"),
        sa.Column("requests", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("points", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("bytes", sa.Integer(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("id", name="pk_sync_attempt"),
        sa.UniqueConstraint("shop_id", "fence", name="uq_sync_attempt_shop_id_fence"),
        sa.CheckConstraint("(fence IS NULL) = (claimed_at IS NULL)", name="ck_sync_attempt_claimed"),
        sa.CheckConstraint("(outcome IS NULL) = (ended_at IS NULL)", name="ck_sync_attempt_ended"),
        sa.CheckConstraint("mode IN ('changes', 'everything')", name="ck_sync_attempt_mode"),
        sa.CheckConstraint(
            "outcome IS NULL OR outcome IN ('completed', 'failed', 'orphaned', 'released', 'stolen', 'cancelled')",
            name="ck_sync_attempt_outcome",
        ),
        sa.CheckConstraint(
            "trigger IN ('onboarding', 'manual', 'api', 'cli', "
            "'webhook', 'sweep', 'wake', 'retry', 'refresh', 'probe')",
            name="ck_sync_attempt_trigger",
        ),
        schema=SYNC_SCHEMA,
    )
    _index("ix_sync_attempt_ended", "sync_attempt", ["ended_at"])
    _index("ix_sync_attempt_open", "sync_attempt", ["shop_id"], unique=True, where="ended_at IS NULL")
    _index("ix_sync_attempt_shop", "sync_attempt", ["shop_id", "requested_at"])


def _transition() -> None:
    op.create_table(
        "transition",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("from_status", sa.Text()),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.Column("from_hold", sa.Text()),
        sa.Column("to_hold", sa.Text()),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("why", sa.Text()),
        sa.Column("who", sa.Text()),
        sa.Column("fence", sa.Integer(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("id", name="pk_transition"),
        schema=SYNC_SCHEMA,
    )
    _index("ix_transition_shop", "transition", ["shop_id", "at"])


def _sweep() -> None:
    op.create_table(
        "sweep",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("slot", sa.Integer()),
        sa.Column("period_seconds", sa.Double(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("due", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("adopted", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("opened", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("joined", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("over_limit", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_sweep"),
        sa.UniqueConstraint("slot", name="uq_sweep_slot"),
        schema=SYNC_SCHEMA,
    )
    _index("ix_sweep_begun", "sweep", ["begun_at"])


def _heartbeat() -> None:
    op.create_table(
        "heartbeat",
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("stopped_at", MOMENT),
        sa.Column("clock_offset", sa.Double(), nullable=False, server_default="0"),
        sa.Column("workers", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("running", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("doing", sa.Text()),
        sa.PrimaryKeyConstraint("process", name="pk_heartbeat"),
        schema=SYNC_SCHEMA,
    )


def _alert() -> None:
    op.create_table(
        "alert",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("message", sa.JSON(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("recovered_at", MOMENT),
        sa.Column("acknowledged_by", sa.Text()),
        sa.Column("acknowledged_at", MOMENT),
        sa.Column("delivered_at", MOMENT),
        sa.Column("delivery_error", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_alert"),
        schema=SYNC_SCHEMA,
    )
    _index("ix_alert_open", "alert", ["key"], unique=True, where="recovered_at IS NULL")


def _mute() -> None:
    op.create_table(
        "mute",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mute"),
        schema=SYNC_SCHEMA,
    )
    _index("ix_mute_key", "mute", ["key"])


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False, server_default="{}"),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        schema=SYNC_SCHEMA,
    )
    _index("ix_audit_at", "audit", ["at"])
    _index("ix_audit_shop", "audit", ["shop_id", "at"])


def _webhook_inbox() -> None:
    op.create_table(
        "webhook_inbox",
        sa.Column("webhook_id", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("shop_domain", sa.Text(), nullable=False),
        sa.Column("triggered_at", MOMENT),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("handled_at", MOMENT),
        sa.Column("result", sa.Text()),
        sa.PrimaryKeyConstraint("webhook_id", name="pk_webhook_inbox"),
        schema=SYNC_SCHEMA,
    )
    _index("ix_webhook_inbox_domain", "webhook_inbox", ["shop_domain", "received_at"])
    _index("ix_webhook_inbox_open", "webhook_inbox", ["received_at"], where="handled_at IS NULL")


def _oauth_state() -> None:
    op.create_table(
        "oauth_state",
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("shop_domain", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        sa.PrimaryKeyConstraint("state", name="pk_oauth_state"),
        schema=SYNC_SCHEMA,
    )
    _index("ix_oauth_state_expires", "oauth_state", ["expires_at"])


def _token() -> None:
    op.create_table(
        "token",
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("access_token", sa.Text(), nullable=False),
        sa.Column("refresh_token", sa.Text()),
        sa.Column("expires_at", MOMENT),
        sa.Column("refresh_expires_at", MOMENT),
        sa.Column("scopes", sa.Text(), nullable=False, server_default=""),
        sa.Column("stored_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("shop_id", name="pk_token"),
        schema=SYNC_SCHEMA,
    )


def _setting() -> None:
    op.create_table(
        "setting",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_setting"),
        schema=SYNC_SCHEMA,
    )
    _index("ix_setting_name", "setting", ["name", "at"])


def _rollup_hour() -> None:
    op.create_table(
        "rollup_hour",
        sa.Column("hour", MOMENT, nullable=False),
        sa.Column("figure", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "figure", name="pk_rollup_hour"),
        schema=SYNC_SCHEMA,
    )


def _rollup_duration() -> None:
    op.create_table(
        "rollup_duration",
        sa.Column("hour", MOMENT, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "path", "seconds", name="pk_rollup_duration"),
        schema=SYNC_SCHEMA,
    )


def _shop_profile() -> None:
    op.create_table(
        "shop_profile",
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("shopify_gid", sa.Text()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_folded", sa.Text(), nullable=False),
        sa.Column("primary_domain", sa.Text()),
        sa.Column("contact_email", sa.Text()),
        sa.Column("plan", sa.Text()),
        sa.Column("time_zone", sa.Text()),
        sa.Column("currency", sa.Text()),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("shop_id", name="pk_shop_profile"),
        schema=SYNC_SCHEMA,
    )
    _index("ix_shop_profile_name", "shop_profile", ["name_folded"])


def _note() -> None:
    op.create_table(
        "note",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_note"),
        schema=SYNC_SCHEMA,
    )
    _index("ix_note_shop", "note", ["shop_id", "at"])
