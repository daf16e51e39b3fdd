"""A shop's life in the screen's words, newest first: pure, from a ShopView."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sync_core.health.shop import ShopView


class Mark(StrEnum):
    """Which picture stands beside an entry."""

    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    BLOCKED = "blocked"
    STAFF = "staff"
    NOTE = "note"
    INSTALLED = "installed"
    UNINSTALLED = "uninstalled"


@dataclass(frozen=True)
class Entry:
    """One line; `details` unfold as (name, value) pairs. `attempt_id` is for engineers."""

    at: datetime
    mark: Mark
    title: str
    body: str = ""
    details: tuple[tuple[str, str], ...] = ()
    attempt_id: str | None = None


def timeline(view: ShopView) -> list[Entry]:
    """What happened to this shop, newest first."""
    raise NotImplementedError
