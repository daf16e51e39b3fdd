"""The words of a shop's sync: statuses, triggers, outcomes, holds, modes, and what may follow what.

Source of every word: the design page "The life of a shop's sync". Standard library only.
"""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """Where a shop's sync stands; the same four words that the app stores."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class Hold(StrEnum):
    """A reason why a shop is not synced that only an outside event can clear."""

    FROZEN = "frozen"
    LOCKED = "locked"
    SCOPE = "scope"
    REAUTHORISE = "reauthorise"
    GONE = "gone"
    UNINSTALLED = "uninstalled"
    STOPPED = "stopped"


class Trigger(StrEnum):
    """Why an attempt was opened."""

    ONBOARDING = "onboarding"
    MANUAL = "manual"
    API = "api"
    CLI = "cli"
    WEBHOOK = "webhook"
    SWEEP = "sweep"
    WAKE = "wake"
    RETRY = "retry"
    REFRESH = "refresh"
    PROBE = "probe"


class Mode(StrEnum):
    """How much an attempt reads: what changed since the watermark, or everything."""

    CHANGES = "changes"
    EVERYTHING = "everything"


class Outcome(StrEnum):
    """How an attempt ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    ORPHANED = "orphaned"
    RELEASED = "released"
    STOLEN = "stolen"
    CANCELLED = "cancelled"


class Profile(StrEnum):
    """Who takes a shop: the sweep alone (classic), or wakes with the sweep as the net (prompt)."""

    CLASSIC = "classic"
    PROMPT = "prompt"


class Priority:
    """Order in the claim loop; smaller goes first."""

    FIRST = 0
    FAILING = 1
    LOW = 2


RESERVED_SHARE = 4
"""One worker in four is kept for the most urgent: first syncs and what people ask for."""

PROBED_HOLDS = frozenset({Hold.FROZEN, Hold.LOCKED, Hold.SCOPE, Hold.GONE})
"""Holds that a self-probe may find cleared; the others wait for a person."""

CLEARED_BY_AUTHORISING = frozenset({Hold.REAUTHORISE, Hold.SCOPE, Hold.GONE})
"""Holds that a new authorisation by the merchant clears."""

REFUSED_TO_STAFF = frozenset({Hold.REAUTHORISE, Hold.GONE, Hold.UNINSTALLED})
"""Holds under which even a person's request is refused: no sync could succeed."""

TRIGGERS_OF_PEOPLE = frozenset({Trigger.MANUAL, Trigger.API, Trigger.CLI})
"""Requests by people (and their programs): they clear a hold and go first."""

TRANSITIONS: dict[Status | None, frozenset[Status]] = {
    None: frozenset(Status),
    Status.PENDING: frozenset({Status.PENDING, Status.IN_PROGRESS, Status.FAILED}),
    Status.IN_PROGRESS: frozenset(Status),
    Status.COMPLETED: frozenset({Status.PENDING, Status.IN_PROGRESS, Status.COMPLETED}),
    Status.FAILED: frozenset({Status.PENDING, Status.IN_PROGRESS, Status.FAILED}),
}
"""From status (None: unknown shop) to the statuses that may follow. A transition to the same
status is a change of hold, generation or owner."""
