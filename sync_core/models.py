"""Our own tables.

Source: the design page "Data". On PostgreSQL they live in a schema of their own (`SYNC_SCHEMA`
is a placeholder that `db` maps to DB_SCHEMA, or to none on SQLite). Each index says which query
it serves.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, MetaData, Text, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from sync_core.columns import UtcMs, new_id
from sync_core.states import Hold, Mode, Outcome, Status, Trigger

SYNC_SCHEMA = "shopsync"


def one_of(column: str, words: type[StrEnum]) -> str:
    """The text of a check constraint: the column holds one of these words."""
    listed = ", ".join(f"'{word.value}'" for word in words)
    return f"{column} IN ({listed})"


def index(name: str, *columns: str, serves: str, where: str | None = None, unique: bool = False) -> Index:
    """An index with the query that it serves; with `where` it is partial, on both engines."""
    if where is None:
        return Index(name, *columns, unique=unique, info={"serves": serves})
    clause = text(where)
    return Index(name, *columns, unique=unique, postgresql_where=clause, sqlite_where=clause, info={"serves": serves})


NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Our own tables."""

    metadata = MetaData(schema=SYNC_SCHEMA, naming_convention=NAMES)


class ShopSync(Base):
    """The truth about one shop's sync; only `lifecycle` writes its status."""

    __tablename__ = "shop_sync"
    __table_args__ = (
        CheckConstraint(one_of("status", Status), name="status"),
        CheckConstraint(f"hold IS NULL OR {one_of('hold', Hold)}", name="hold"),
        CheckConstraint("(status = 'IN_PROGRESS') = (lease_owner IS NOT NULL)", name="lease_owner"),
        index(
            "ix_shop_sync_due",
            "due_at",
            serves="sweep: what is due; pages: what is overdue",
            where="due_at IS NOT NULL",
        ),
        index(
            "ix_shop_sync_wake",
            "priority",
            "wake_at",
            serves="claim loop: whom to take next",
            where="wake_at IS NOT NULL",
        ),
        index(
            "ix_shop_sync_status",
            "status",
            "shop_domain",
            serves="Shops page: filter by status; who waits longest",
        ),
        index(
            "ix_shop_sync_trouble",
            "hold",
            "failing_since",
            "error_class",
            serves="Overview: who needs you, by cause",
            where="hold IS NOT NULL OR failures > 0",
        ),
        index(
            "ix_shop_sync_failing",
            "failing_since",
            *("hold", "attention", "due_at", "priority", "shop_id", "generation"),
            serves="Overview: what retries by itself, failures still open",
            where="failures > 0",
        ),
        index("ix_shop_sync_newest", "installed_at", "shop_id", serves="Shops page: the newest first"),
    )

    shop_id: Mapped[str] = mapped_column(Text, primary_key=True)
    shop_domain: Mapped[str] = mapped_column(Text, unique=True)
    status: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime] = mapped_column(UtcMs)
    """When status or hold last changed."""
    hold: Mapped[str | None] = mapped_column(Text)
    generation: Mapped[int] = mapped_column(server_default="1")
    fence: Mapped[int] = mapped_column(server_default="0")
    failures: Mapped[int] = mapped_column(server_default="0")
    """Straight failures."""
    not_founds: Mapped[int] = mapped_column(server_default="0")
    """Straight failures that were HTTP 404."""
    failing_since: Mapped[datetime | None] = mapped_column(UtcMs)
    error_class: Mapped[str | None] = mapped_column(Text)
    error_message: Mapped[str | None] = mapped_column(Text)
    """Class and redacted text of the last failure; both null again after a success."""
    attention: Mapped[bool] = mapped_column(server_default=text("false"))
    lease_owner: Mapped[str | None] = mapped_column(Text)
    installed_at: Mapped[datetime] = mapped_column(UtcMs)
    authorised_at: Mapped[datetime] = mapped_column(UtcMs)
    token_version: Mapped[int] = mapped_column(server_default="0")
    app_token_digest: Mapped[str] = mapped_column(Text, server_default="")
    """SHA-256 of the app's accessToken as we last saw or wrote it: tells when the app changed it."""
    first_synced_at: Mapped[datetime | None] = mapped_column(UtcMs)
    last_synced_at: Mapped[datetime | None] = mapped_column(UtcMs)
    due_at: Mapped[datetime | None] = mapped_column(UtcMs)
    wake_at: Mapped[datetime | None] = mapped_column(UtcMs)
    priority: Mapped[int] = mapped_column(server_default="0")
    cursor: Mapped[dict[str, Any]] = mapped_column(JSON, server_default="{}")
    held: Mapped[dict[str, Any]] = mapped_column(JSON, server_default="{}")
    """What we hold: per resource {rows, as_of, skipped}, written when a sync completes."""
    progress_at: Mapped[datetime | None] = mapped_column(UtcMs)
    """When the running attempt last made progress (a page stored, a known wait, a moving bulk poll)."""
    held_since: Mapped[datetime | None] = mapped_column(UtcMs)
    """When it was blocked, whatever was tried since."""


class Install(Base):
    """An episode: a shop and its generation; the unit of count of every objective."""

    __tablename__ = "install"
    __table_args__ = (
        UniqueConstraint("shop_id", "generation"),
        index("ix_install_installed", "installed_at", serves="objectives: time to sync of a window"),
        index("ix_install_success_deadline", "success_deadline", serves="objectives: sync success of a window"),
        index("ix_install_pickup_deadline", "pickup_deadline", serves="objectives: pick-up of a window"),
        index(
            "ix_install_path",
            "path",
            "shop_id",
            "generation",
            serves="Shops page: who was started in a rare way",
            where="path IN ('sweep', 'manual', 'api', 'cli')",
        ),
        index(
            "ix_install_unsynced",
            "success_deadline",
            *("installed_at", "first_synced_at", "withdrawn_at", "watched", "path", "shop_id", "generation"),
            serves="objectives: who had no data in time; ledger: where they are",
            where="first_synced_at IS NULL OR first_synced_at > success_deadline",
        ),
        index(
            "ix_install_slow",
            "installed_at",
            serves="time to sync: the installs of the open day that are not quick",
            where="first_synced_at IS NULL OR first_synced_at > pickup_deadline "
            "OR first_synced_at < installed_at OR withdrawn_at < installed_at",
        ),
        index(
            "ix_install_untaken",
            "pickup_deadline",
            serves="objectives: whom nobody started in time",
            where="first_claimed_at IS NULL OR first_claimed_at > pickup_deadline",
        ),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True, default=new_id)
    shop_id: Mapped[str] = mapped_column(Text)
    generation: Mapped[int] = mapped_column()
    installed_at: Mapped[datetime] = mapped_column(UtcMs)
    pickup_deadline: Mapped[datetime] = mapped_column(UtcMs)
    success_deadline: Mapped[datetime] = mapped_column(UtcMs)
    first_claimed_at: Mapped[datetime | None] = mapped_column(UtcMs)
    first_synced_at: Mapped[datetime | None] = mapped_column(UtcMs)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcMs)
    path: Mapped[str | None] = mapped_column(Text)
    """Trigger of the first claimed attempt, written once."""
    watched: Mapped[bool] = mapped_column(server_default=text("true"))
    """False: installed before our first sign of life; counted in nothing."""


class SyncAttempt(Base):
    """One execution (or a request for one); append-only: ended once, then never changed."""

    __tablename__ = "sync_attempt"
    __table_args__ = (
        CheckConstraint(one_of("trigger", Trigger), name="trigger"),
        CheckConstraint(one_of("mode", Mode), name="mode"),
        CheckConstraint(f"outcome IS NULL OR {one_of('outcome', Outcome)}", name="outcome"),
        CheckConstraint("(outcome IS NULL) = (ended_at IS NULL)", name="ended"),
        CheckConstraint("(fence IS NULL) = (claimed_at IS NULL)", name="claimed"),
        UniqueConstraint("shop_id", "fence"),
        index(
            "ix_sync_attempt_open", "shop_id", serves="one open attempt per shop", where="ended_at IS NULL", unique=True
        ),
        index("ix_sync_attempt_shop", "shop_id", "requested_at", serves="Shop page: timeline, newest first"),
        index("ix_sync_attempt_ended", "ended_at", serves="whether Shopify answers; retention"),
        index(
            "ix_sync_attempt_failed",
            "ended_at",
            *("shop_id", "generation", "error_class", "outcome"),
            serves="failures by cause of the open hour",
            where="outcome IN ('failed', 'orphaned')",
        ),
        index(
            "ix_sync_attempt_spoiled",
            "shop_id",
            "ended_at",
            serves="objectives: success at the first attempt; failures still open",
            where="outcome IN ('failed', 'orphaned', 'stolen')",
        ),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True, default=new_id)
    shop_id: Mapped[str] = mapped_column(Text)
    generation: Mapped[int] = mapped_column()
    fence: Mapped[int | None] = mapped_column()
    number: Mapped[int] = mapped_column(server_default="0")
    """Which straight try this is: failures before it + 1; 0 until claimed."""
    trigger: Mapped[str] = mapped_column(Text)
    mode: Mapped[str] = mapped_column(Text, server_default="changes")
    actor: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    taken_by: Mapped[str | None] = mapped_column(Text)
    requested_at: Mapped[datetime] = mapped_column(UtcMs)
    claimed_at: Mapped[datetime | None] = mapped_column(UtcMs)
    ended_at: Mapped[datetime | None] = mapped_column(UtcMs)
    outcome: Mapped[str | None] = mapped_column(Text)
    error_class: Mapped[str | None] = mapped_column(Text)
    error_message: Mapped[str | None] = mapped_column(Text)
    http_status: Mapped[int | None] = mapped_column()
    request_id: Mapped[str | None] = mapped_column(Text)
    plan: Mapped[str | None] = mapped_column(Text)
    progress: Mapped[dict[str, Any]] = mapped_column(JSON, server_default="{}")
    """Per resource, in order: {"done": int, "total": int | null, "skipped": reason | null, "ended": bool}."""
    requests: Mapped[int] = mapped_column(server_default="0")
    points: Mapped[int] = mapped_column(server_default="0")
    bytes: Mapped[int] = mapped_column(server_default="0")


class Transition(Base):
    """One change of status or hold: from, to, when, why, who. Append-only."""

    __tablename__ = "transition"
    __table_args__ = (index("ix_transition_shop", "shop_id", "at", serves="Shop page: timeline"),)

    id: Mapped[str] = mapped_column(Text, primary_key=True, default=new_id)
    shop_id: Mapped[str] = mapped_column(Text)
    generation: Mapped[int] = mapped_column()
    at: Mapped[datetime] = mapped_column(UtcMs)
    from_status: Mapped[str | None] = mapped_column(Text)
    to_status: Mapped[str] = mapped_column(Text)
    from_hold: Mapped[str | None] = mapped_column(Text)
    to_hold: Mapped[str | None] = mapped_column(Text)
    event: Mapped[str] = mapped_column(Text)
    why: Mapped[str | None] = mapped_column(Text)
    who: Mapped[str | None] = mapped_column(Text)
    fence: Mapped[int] = mapped_column(server_default="0")


class Sweep(Base):
    """One tick of the safety net; the slot is null when another tick had booked it."""

    __tablename__ = "sweep"
    __table_args__ = (index("ix_sweep_begun", "begun_at", serves="Checks page: the strip, newest first"),)

    id: Mapped[str] = mapped_column(Text, primary_key=True, default=new_id)
    slot: Mapped[int | None] = mapped_column(unique=True)
    period_seconds: Mapped[float] = mapped_column()
    profile: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(Text)
    begun_at: Mapped[datetime] = mapped_column(UtcMs)
    ended_at: Mapped[datetime | None] = mapped_column(UtcMs)
    due: Mapped[int] = mapped_column(server_default="0")
    adopted: Mapped[int] = mapped_column(server_default="0")
    opened: Mapped[int] = mapped_column(server_default="0")
    joined: Mapped[int] = mapped_column(server_default="0")
    over_limit: Mapped[int] = mapped_column(server_default="0")
    error: Mapped[str | None] = mapped_column(Text)


class Heartbeat(Base):
    """The last sign of life of each process."""

    __tablename__ = "heartbeat"

    process: Mapped[str] = mapped_column(Text, primary_key=True)
    """role@host:pid"""
    role: Mapped[str] = mapped_column(Text)
    host: Mapped[str] = mapped_column(Text)
    pid: Mapped[int] = mapped_column()
    version: Mapped[str] = mapped_column(Text)
    started_at: Mapped[datetime] = mapped_column(UtcMs)
    seen_at: Mapped[datetime] = mapped_column(UtcMs)
    stopped_at: Mapped[datetime | None] = mapped_column(UtcMs)
    clock_offset: Mapped[float] = mapped_column(server_default="0")
    """Seconds: this host's clock minus the database's."""
    workers: Mapped[int] = mapped_column(server_default="0")
    running: Mapped[int] = mapped_column(server_default="0")
    doing: Mapped[str | None] = mapped_column(Text)
    pinged_at: Mapped[datetime | None] = mapped_column(UtcMs)
    ping_error: Mapped[str | None] = mapped_column(Text)
    """When this process last told the dead man's switch, and what went wrong (null: it was heard)."""


class Alert(Base):
    """One alert of one cause; open until `recovered_at`."""

    __tablename__ = "alert"
    __table_args__ = (
        index("ix_alert_open", "key", serves="one open alert per key", where="recovered_at IS NULL", unique=True),
        index("ix_alert_opened", "opened_at", serves="Alerts page: recent ones, newest first"),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(Text)
    severity: Mapped[str] = mapped_column(Text)
    message: Mapped[dict[str, Any]] = mapped_column(JSON)
    opened_at: Mapped[datetime] = mapped_column(UtcMs)
    recovered_at: Mapped[datetime | None] = mapped_column(UtcMs)
    acknowledged_by: Mapped[str | None] = mapped_column(Text)
    acknowledged_at: Mapped[datetime | None] = mapped_column(UtcMs)
    judged_at: Mapped[datetime | None] = mapped_column(UtcMs)
    """Of when `message` is."""


class AlertMessage(Base):
    """One message about one change of an alert; written with the change, sent by whichever process claims it."""

    __tablename__ = "alert_message"
    __table_args__ = (
        UniqueConstraint("alert_id", "event"),
        index(
            "ix_alert_message_pending",
            "next_at",
            serves="delivery: what is to be sent now",
            where="sent_at IS NULL AND dropped_at IS NULL",
        ),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True, default=new_id)
    alert_id: Mapped[str] = mapped_column(Text)
    event: Mapped[str] = mapped_column(Text)
    """opened, worse, reminder-1, reminder-2, …, recovered"""
    severity: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcMs)
    next_at: Mapped[datetime] = mapped_column(UtcMs)
    """From when a process may claim it; a claim moves it on, so that a crash after it is mended by another."""
    tries: Mapped[int] = mapped_column(server_default="0")
    reached: Mapped[list[str]] = mapped_column(JSON, server_default="[]")
    """Digests of the channels that took it: a further try leaves them out."""
    sent_at: Mapped[datetime | None] = mapped_column(UtcMs)
    dropped_at: Mapped[datetime | None] = mapped_column(UtcMs)
    error: Mapped[str | None] = mapped_column(Text)


class Mute(Base):
    """Silence for an alert's key, with an end."""

    __tablename__ = "mute"

    id: Mapped[str] = mapped_column(Text, primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(Text, index=True)
    until: Mapped[datetime] = mapped_column(UtcMs)
    by: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcMs)


class Maintenance(Base):
    """A time, told beforehand, in which no safety check is expected."""

    __tablename__ = "maintenance"
    __table_args__ = (index("ix_maintenance_until", "until", serves="checks: which were not expected"),)

    id: Mapped[str] = mapped_column(Text, primary_key=True, default=new_id)
    since: Mapped[datetime] = mapped_column(UtcMs)
    until: Mapped[datetime] = mapped_column(UtcMs)
    by: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcMs)


class Audit(Base):
    """Who did what to which shop, why, from where; written in the same transaction as the act."""

    __tablename__ = "audit"
    __table_args__ = (
        index("ix_audit_at", "at", serves="Audit page, newest first"),
        index("ix_audit_shop", "shop_id", "at", serves="Shop page: staff's acts"),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(UtcMs)
    actor: Mapped[str] = mapped_column(Text)
    act: Mapped[str] = mapped_column(Text)
    shop_id: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    origin: Mapped[str] = mapped_column(Text)
    """page, api, cli"""
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, server_default="{}")


class WebhookInbox(Base):
    """What Shopify sent, stored before it is worked; the id makes a repeated delivery harmless."""

    __tablename__ = "webhook_inbox"
    __table_args__ = (
        index(
            "ix_webhook_inbox_open",
            "received_at",
            serves="inbox: what is to be worked, oldest first",
            where="handled_at IS NULL",
        ),
        index(
            "ix_webhook_inbox_aside",
            "handled_at",
            serves="doctor: messages that could not be worked",
            where="result LIKE 'set aside: %'",
        ),
        index("ix_webhook_inbox_handled", "handled_at", serves="retention", where="handled_at IS NOT NULL"),
        index("ix_webhook_inbox_domain", "shop_domain", "received_at", serves="Shop page: the last webhook"),
    )

    webhook_id: Mapped[str] = mapped_column(Text, primary_key=True)
    topic: Mapped[str] = mapped_column(Text)
    shop_domain: Mapped[str] = mapped_column(Text)
    triggered_at: Mapped[datetime | None] = mapped_column(UtcMs)
    received_at: Mapped[datetime] = mapped_column(UtcMs)
    body: Mapped[str] = mapped_column(Text)
    handled_at: Mapped[datetime | None] = mapped_column(UtcMs)
    result: Mapped[str | None] = mapped_column(Text)


class WebhookCheck(Base):
    """What was found when a shop's webhook subscriptions were looked at last."""

    __tablename__ = "webhook_check"
    __table_args__ = (
        index("ix_webhook_check_problem", "shop_id", serves="doctor: shops without", where="problem IS NOT NULL"),
    )

    shop_id: Mapped[str] = mapped_column(Text, primary_key=True)
    checked_at: Mapped[datetime] = mapped_column(UtcMs)
    address: Mapped[str] = mapped_column(Text)
    """Where they were to come to."""
    topics: Mapped[list[str]] = mapped_column(JSON)
    missing: Mapped[list[str]] = mapped_column(JSON)
    problem: Mapped[str | None] = mapped_column(Text)
    """Why some are missing; null: none is."""


class BulkItem(Base):
    """A row of a bulk file under way: a child that waits for its parent (`body`), or a mark that it was seen."""

    __tablename__ = "bulk_item"
    __table_args__ = (
        index(
            "ix_bulk_item_waiting",
            "shop_id",
            "kind",
            "shopify_id",
            serves="scattered: children whose parent had not come yet",
            where="body IS NOT NULL",
        ),
    )

    shop_id: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    shopify_id: Mapped[str] = mapped_column(Text, primary_key=True)
    body: Mapped[str | None] = mapped_column(Text)


class OAuthState(Base):
    """A one-time state, bound to the shop for which it was made."""

    __tablename__ = "oauth_state"
    __table_args__ = (index("ix_oauth_state_expires", "expires_at", serves="purge; the cap on live states"),)

    state: Mapped[str] = mapped_column(Text, primary_key=True)
    """SHA-256 of the state: a leaked table opens nothing."""
    shop_domain: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcMs)
    expires_at: Mapped[datetime] = mapped_column(UtcMs)
    used_at: Mapped[datetime | None] = mapped_column(UtcMs)


class Token(Base):
    """A shop's access and refresh token, only encrypted."""

    __tablename__ = "token"
    __table_args__ = (
        index("ix_token_renew", "renew_at", serves="idle tokens: which to refresh", where="renew_at IS NOT NULL"),
    )

    shop_id: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column()
    access_token: Mapped[str] = mapped_column(Text)
    refresh_token: Mapped[str | None] = mapped_column(Text)
    expires_at: Mapped[datetime | None] = mapped_column(UtcMs)
    refresh_expires_at: Mapped[datetime | None] = mapped_column(UtcMs)
    scopes: Mapped[str] = mapped_column(Text, server_default="")
    stored_at: Mapped[datetime] = mapped_column(UtcMs)
    refreshing_by: Mapped[str | None] = mapped_column(Text)
    refreshing_until: Mapped[datetime | None] = mapped_column(UtcMs)
    """Whose turn it is to ask Shopify for the next pair, and until when; a new pair ends the turn."""
    renew_at: Mapped[datetime | None] = mapped_column(UtcMs)
    """From when it is refreshed although nobody syncs the shop; null: it cannot be refreshed."""


class Setting(Base):
    """A setting changed in the dashboard; rows are history, the newest of a name holds."""

    __tablename__ = "setting"
    __table_args__ = (index("ix_setting_name", "name", "at", serves="the present value of a setting"),)

    id: Mapped[str] = mapped_column(Text, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(Text)
    value: Mapped[Any] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(UtcMs)
    by: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)


class RollupHour(Base):
    """How often a figure counted in one closed hour; a figure that counted nothing has no row."""

    __tablename__ = "rollup_hour"

    family: Mapped[str] = mapped_column(Text, primary_key=True)
    """Figures that close together: success, pick_up, installs, failures, checks."""
    hour: Mapped[datetime] = mapped_column(UtcMs, primary_key=True)
    figure: Mapped[str] = mapped_column(Text, primary_key=True)
    n: Mapped[int] = mapped_column()


class RollupDuration(Base):
    """Times to sync of the installs of one closed hour in whole seconds, so that percentiles stay exact."""

    __tablename__ = "rollup_duration"

    hour: Mapped[datetime] = mapped_column(UtcMs, primary_key=True)
    path: Mapped[str] = mapped_column(Text, primary_key=True)
    """Trigger of the first claimed attempt; empty: nobody started it."""
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    """quick, finished, left, late: as health.cohort tells them."""
    seconds: Mapped[int] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column()


class RollupMark(Base):
    """How far a family of figures is rolled up: every hour before `until`, those without a row too."""

    __tablename__ = "rollup_mark"

    family: Mapped[str] = mapped_column(Text, primary_key=True)
    until: Mapped[datetime] = mapped_column(UtcMs)
    seen_id: Mapped[str] = mapped_column(Text, server_default="")
    """The newest install that was looked at; a newer one in a closed hour came late, and its hour is counted again."""
    revision: Mapped[int] = mapped_column(server_default="0")
    """+1 whenever an hour before `until` was counted again: who remembers closed hours forgets them."""


class ShopProfile(Base):
    """Who a shop is, from ShopIdentity; for search and for the Shop page."""

    __tablename__ = "shop_profile"
    __table_args__ = (index("ix_shop_profile_name", "name_folded", serves="search by a name's beginning"),)

    shop_id: Mapped[str] = mapped_column(Text, primary_key=True)
    shopify_gid: Mapped[str | None] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    name_folded: Mapped[str] = mapped_column(Text)
    primary_domain: Mapped[str | None] = mapped_column(Text)
    contact_email: Mapped[str | None] = mapped_column(Text)
    plan: Mapped[str | None] = mapped_column(Text)
    time_zone: Mapped[str | None] = mapped_column(Text)
    currency: Mapped[str | None] = mapped_column(Text)
    updated_at: Mapped[datetime] = mapped_column(UtcMs)


class ShopSearch(Base):
    """What a shop is found by, in small letters, a line each: its domain, then what its profile says."""

    __tablename__ = "shop_search"

    shop_id: Mapped[str] = mapped_column(Text, primary_key=True)
    text: Mapped[str] = mapped_column(Text)


class StartEstimate(Base):
    """When a waiting shop was expected to be started, and when it was; at most one of a wait (a shop and its fence)."""

    __tablename__ = "start_estimate"
    __table_args__ = (
        UniqueConstraint("shop_id", "fence"),
        index("ix_start_estimate_open", "starts_at", serves="estimates: what to settle", where="settled_at IS NULL"),
        index(
            "ix_start_estimate_settled",
            "settled_at",
            serves="System: how good they were; retention",
            where="settled_at IS NOT NULL",
        ),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True, default=new_id)
    shop_id: Mapped[str] = mapped_column(Text)
    fence: Mapped[int] = mapped_column()
    made_at: Mapped[datetime] = mapped_column(UtcMs)
    starts_at: Mapped[datetime] = mapped_column(UtcMs)
    started_at: Mapped[datetime | None] = mapped_column(UtcMs)
    """Null when settled: somebody asked for it meanwhile, or the wait ended without a start."""
    settled_at: Mapped[datetime | None] = mapped_column(UtcMs)


class Note(Base):
    """Staff's note on a shop, with a ticket's number."""

    __tablename__ = "note"
    __table_args__ = (index("ix_note_shop", "shop_id", "at", serves="Shop page: timeline"),)

    id: Mapped[str] = mapped_column(Text, primary_key=True, default=new_id)
    shop_id: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcMs)
    by: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    ticket: Mapped[str | None] = mapped_column(Text)
