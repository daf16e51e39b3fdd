"""When a shop is due next: pure arithmetic over the figures of lifecycle's page."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import TypedDict

from sync_core.config import Settings
from sync_core.states import Hold

PROBE_AFTER = {
    Hold.FROZEN: timedelta(hours=6),
    Hold.LOCKED: timedelta(hours=6),
    Hold.SCOPE: timedelta(days=1),
    Hold.GONE: timedelta(days=1),
}
NOT_FOUND_AFTER = (timedelta(minutes=20), timedelta(minutes=40))
SECURITY_SECONDS = 300
ADOPTED_LEASE = timedelta(minutes=15)
PICKUP_PATIENCE = timedelta(minutes=10)
SUCCESS_PATIENCE = timedelta(hours=24)
ATTENTION_FAILURES = 12
JITTER = (0.8, 1.0)
REFRESH_JITTER = (0.9, 1.1)
"""Shops that were synced together (after an outage, an import) must not be refreshed together for ever."""


class Due(TypedDict):
    """The two moments that are always written together."""

    due_at: datetime | None
    wake_at: datetime | None


def both(moment: datetime) -> Due:
    """Due for the sweep and awake for the claim loop at once, in either profile."""
    return Due(due_at=moment, wake_at=moment)


def paired(moment: datetime | None, settings: Settings) -> Due:
    """Due at `moment`; awake then too in the prompt profile, asleep in classic."""
    return Due(due_at=moment, wake_at=moment if settings.prompt else None)


def never() -> Due:
    return Due(due_at=None, wake_at=None)


def installed(installed_at: datetime, *, now: datetime, settings: Settings) -> Due:
    """A fresh install: the sweep after the grace, the claim loop after a courtesy to the browser."""
    due = installed_at + timedelta(seconds=settings.sweep_grace_seconds)
    wake = now + timedelta(seconds=settings.wake_hold_seconds) if settings.prompt else None
    return Due(due_at=due, wake_at=wake)


def lease_end(now: datetime, settings: Settings) -> datetime:
    return now + timedelta(seconds=settings.lease_seconds)


def retry(failures: int, *, now: datetime, settings: Settings, at_least: float = 0) -> datetime:
    """The next try after `failures` straight ones (>= 1), jittered; never before `at_least` seconds."""
    steps = settings.retry_seconds
    step = steps[min(failures, len(steps)) - 1]
    return now + timedelta(seconds=max(step * random.uniform(*JITTER), at_least))


def probe(hold: Hold, now: datetime) -> datetime | None:
    """When a held shop is next tried by itself; None for holds that only a person clears."""
    wait = PROBE_AFTER.get(hold)
    return now + wait if wait else None


def refresh(now: datetime, settings: Settings) -> datetime | None:
    """The next refresh of a finished shop, REFRESH_HOURS from now give or take a tenth; None: never."""
    if not settings.refresh_hours:
        return None
    return now + timedelta(hours=settings.refresh_hours * random.uniform(*REFRESH_JITTER))
