"""A card: a sentence that already says it, and the chart that shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import pandas as pd
import plotly.graph_objects as go
import structlog

from dashboard.moments import on_the_wall
from sync_core.health import BrowserPath

log = structlog.get_logger()


@dataclass(frozen=True)
class Card:
    """`figure` None: the sentence says all there is. `share`: a bar in its place, 0..1."""

    key: str
    title: str
    note: str
    figure: go.Figure | None = None
    bad: bool = False
    share: float | None = None

    @property
    def alt(self) -> str:
        return f"{self.title}. {self.note}"


def drawn(key: str, make: Callable[[], Card]) -> Card:
    """The card, or one that says that it could not be drawn: a panel fails alone, and the log says why."""
    try:
        return make()
    except (ArithmeticError, LookupError, TypeError, ValueError):
        log.exception("card.failed", card=key)
        return Card(
            key, "This figure could not be drawn", "the others stand; the log of this process says why", bad=True
        )


def too_slow(key: str, why: str) -> Card:
    """The card of a panel whose data took too long."""
    return Card(key, "Not shown this time", f"{why}; it is asked again within a minute, and the others stand", bad=True)


def named_at(frame: pd.DataFrame, column: str, zone: ZoneInfo) -> pd.DataFrame:
    """The charts' columns `at` and `shop`, shops by the name that people know."""
    return pd.DataFrame({"at": on_the_wall(frame[column], zone), "shop": frame["name"]}, index=frame.index)


PATHS_NOTE = "by how they were started: p50 to p95, minutes, with the number of installs"


def still_waiting(n: int) -> str:
    """The end of a sentence about slow installs: how many of them have no data yet."""
    return f", {n:,} of them still {'waits' if n == 1 else 'wait'}" if n else ""


def dead(browser: BrowserPath) -> str:
    """What is said when browsers start no syncs any more."""
    usual = f"{browser.usual_k:,} of {browser.usual_n:,} in the 30 days before"
    return f"Browsers started {browser.k:,} of {browser.n:,} in 24 h, {usual}: look at the onboarding page"
