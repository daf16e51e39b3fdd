"""What the alerts are judged by: one snapshot of facts, and what comes of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

CAP = 1_000
"""Shops of one cause that are looked at; messages count to here and say `1,000+`."""


class Severity(StrEnum):
    """Page: somebody is woken. Ticket: it can wait until the morning."""

    PAGE = "page"
    TICKET = "ticket"


@dataclass(frozen=True)
class Hit:
    """A shop that something happened to."""

    domain: str
    since: datetime
    """Since when its trouble lasts."""
    changed_at: datetime
    """When it last failed, was blocked or was due."""
    attention: bool = False
    """After 12 straight failures."""
    words: str | None = None
    """The text of its last failure, redacted."""


@dataclass(frozen=True)
class Clock:
    """A living process whose clock is off by `offset` seconds against the database's."""

    host: str
    offset: float


@dataclass(frozen=True)
class ShopifyFails:
    """Shopify gives most shops no answer: `failing` of `asked`."""

    failing: int
    asked: int
    since: datetime


@dataclass(frozen=True)
class Facts:
    """One moment. Every list of shops is bounded; `…_n` counts go up to the cap of the look, `capped` says so.

    `failing`: shops that are tried again, by class of the error; `blocked`: those blocked in the last 24 h, by reason,
    `blocked_n`: how many are blocked at all.
    `installed`: counted only as far as judging the late ones needs.
    """

    at: datetime
    period: timedelta
    anybody: bool
    """Whether a shop is installed at all."""
    watched_since: datetime | None
    """The first sign of life or check ever."""
    last_good_at: datetime | None
    check_error: str | None
    """How checks of the last two periods ended, when badly and after the last good one."""
    scheduler_alive: bool
    scheduler_seen_at: datetime | None
    workers_alive: bool
    workers_free: int
    over_limit: int
    excused_until: datetime | None = None
    """No check was expected before: maintenance that came while the checks still ran."""
    installed: int = 0
    waiting: tuple[Hit, ...] = ()
    waiting_n: int = 0
    """Overdue and started by nobody."""
    leases: tuple[Hit, ...] = ()
    """Their worker gave no sign of life for 2 minutes past the lease."""
    stuck: tuple[Hit, ...] = ()
    """Alive without progress."""
    failing: Mapping[str, tuple[Hit, ...]] = field(default_factory=dict)
    blocked: Mapping[str, tuple[Hit, ...]] = field(default_factory=dict)
    blocked_n: Mapping[str, int] = field(default_factory=dict)
    shopify: ShopifyFails | None = None
    shopify_over_at: datetime | None = None
    """When Shopify last began to answer again."""
    answered_at: datetime | None = None
    """When a sync last ended well."""
    clocks: tuple[Clock, ...] = ()
    backwards: tuple[Hit, ...] = ()
    """Installs of the last hour with a step that ended before it began."""
    cap: int = CAP


@dataclass(frozen=True)
class Message:
    """The four answers: act or not; since when and whom it hits; the cause; the first action and where."""

    title: str
    act: bool
    """False: it heals itself."""
    since: datetime
    shops: tuple[str, ...]
    """The first few, longest first."""
    n: int
    capped: bool
    cause: str
    action: str
    link: str
    """Path and query of a page."""
    still: int = 0
    """Shops that it hit still when it was closed because no other had joined them for long."""


@dataclass(frozen=True)
class Alarm:
    """One alert that should be open."""

    key: str
    severity: Severity
    message: Message
