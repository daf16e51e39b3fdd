"""Whether merchants' browsers still start their syncs: when that path dies, the others heal it and no figure falls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from sync_core import slo
from sync_core.health.cohort import synced
from sync_core.health.episodes import DAY
from sync_core.health.hours import Books, Memory, Window, books

USUAL = timedelta(days=30)
"""So long before the last 24 h tells what is usual."""


@dataclass(frozen=True)
class BrowserPath:
    """Of the installs that have their data: `k` of `n` were started by the browser in the last 24 h, and usually."""

    k: int
    n: int
    usual_k: int
    usual_n: int

    @property
    def dead(self) -> bool:
        """Whether the share has surely fallen below half of what is usual (both at their 95 % bound)."""
        if not self.n or not self.usual_n:
            return False
        return slo.wilson(self.k, self.n)[1] < slo.wilson(self.usual_k, self.usual_n)[0] / 2


def browser_path(session: Session | Books, *, now: datetime, memory: Memory | None = None) -> BrowserPath:
    """The browser's share of the last 24 h, and of the 30 days before. Source: as `objectives`."""
    kept, began = books(session, memory), now - DAY
    recent = synced(kept, Window(began, now))
    usual = synced(kept, Window(began - USUAL, began))
    return BrowserPath(recent["onboarding"], recent.total(), usual["onboarding"], usual.total())
