"""What stands under the fold of Overview: a sentence that already says it, and the chart that shows it.

Pure: health's frames in, cards out. The sentence is the chart's alternative text, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import pandas as pd
import plotly.graph_objects as go
import structlog

from dashboard import charts
from dashboard.moments import on_the_wall
from sync_core.explain import PATHS, count, span
from sync_core.health import BrowserPath, Budget, Objectives

log = structlog.get_logger()

TARGET_SECONDS = 300
LISTED_CAUSES = 6
CHECK_WORDS = {
    "ran": "ran, nothing to do",
    "found": "ran, started shops",
    "late": "ran late",
    "over_limit": "ran, more was due than it may start",
    "missed": "missed",
    "failed": "failed",
}


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


def failures(frame: pd.DataFrame) -> Card:
    """Failed tries by cause."""
    note = "failed tries by cause; red: still open"
    if frame.empty:
        return Card("failures", "No try failed", note)
    healed, still = int(frame["healed"].sum()), int(frame["open"].sum())
    causes = frame.groupby("cause", sort=False)[["healed", "open"]].sum().reset_index()
    shown = causes.assign(n=causes["healed"] + causes["open"]).nlargest(LISTED_CAUSES, "n")
    alone = "itself" if healed == 1 else "themselves"
    title = f"{count(healed + still, 'try', 'tries')} failed, {healed:,} healed by {alone}"
    return Card("failures", title, note, charts.failures(shown))


def time_to_sync(installs: pd.DataFrame, zone: ZoneInfo) -> Card:
    """How long each install took to its first data."""
    counted = installs[~installs["withdrawn"]]
    done = counted.dropna(subset=["seconds"])
    waits = counted["waited"].dropna()
    long_waits = int((waits > TARGET_SECONDS).sum())
    slow, n = int((done["seconds"] > TARGET_SECONDS).sum()) + long_waits, len(done) + len(waits)
    if done.empty:
        return Card("time", "Nobody has data yet" if n else "No install", "time to sync", bad=long_waits > 0)
    still = f", {long_waits:,} of them still {'waits' if long_waits == 1 else 'wait'}" if long_waits else ""
    title = f"{slow:,} of {n:,} took longer than 5 min{still}" if slow else f"All {n:,} within 5 min"
    mark = "one dot an install" if len(done) < charts.FEW else "p50 and p95"
    frame = _at(done, "installed_at", zone).assign(minutes=done["seconds"] / 60)
    return Card("time", title, f"time to sync, {mark}; dashed: 5 min", charts.time_to_sync(frame))


def by_path(installs: pd.DataFrame, browser: BrowserPath) -> Card:
    """Time to sync for each way in which an install was started; says first when browsers start none any more."""
    note = "by how they were started: p50 to p95, minutes, with the number of installs"
    done = installs.dropna(subset=["seconds", "path"])
    if done.empty:
        return Card("paths", "No install was started yet", note)
    frame = pd.DataFrame({"path": done["path"].map(PATHS), "minutes": done["seconds"] / 60})
    order = {words: nth for nth, words in enumerate(PATHS.values())}
    frame = frame.dropna().sort_values("path", key=lambda column: column.map(order), kind="stable")
    within = f"Half had their data within {span(float(done['seconds'].median()))}"
    title = _dead(browser) if browser.dead else within
    return Card("paths", title, note, charts.by_path(frame), bad=browser.dead)


def _dead(browser: BrowserPath) -> str:
    usual = f"{browser.usual_k:,} of {browser.usual_n:,} in the 30 days before"
    return f"Browsers started {browser.k:,} of {browser.n:,} in 24 h, {usual}: look at the onboarding page"


def pick_up(pickups: pd.DataFrame, zone: ZoneInfo) -> Card:
    """Which installs were started in time, by day."""
    n, late = len(pickups), int(pickups["late"].sum())
    if not n:
        return Card("pick_up", "No install was to be started yet", "started in time, by day")
    kind = pickups["late"].map({True: "bad", False: "good"})
    frame = _at(pickups, "installed_at", zone).assign(kind=kind)
    words = charts.DotWords(good="started in time", bad="started late or not at all")
    title = f"{n - late:,} of {n:,} were started in time"
    return Card("pick_up", title, _by_day(n, "100 %"), charts.by_day(frame, words, target=1.0), bad=late > 0)


def success(installs: pd.DataFrame, figures: Objectives, zone: ZoneInfo) -> Card:
    """Which installs had their data within a day, by day."""
    share = figures.sync_success.all
    shown = installs[~installs["withdrawn"]]
    if shown.empty:
        return Card("success", "No install in this window", "synced within 24 h, by day")
    kind = shown["ok"].map({True: "good", False: "bad"}).where(shown["judged"], "young")
    frame = _at(shown, "installed_at", zone).assign(kind=kind)
    words = charts.DotWords(good="synced within 24 h", bad="not within 24 h")
    title = f"{share.k:,} of {share.n:,} synced within 24 h"
    if len(shown) >= charts.FEW and not shown["judged"].any():
        return Card(
            "success", title, f"{count(len(shown), 'install')} of this window, all younger than 24 h: not judged yet"
        )
    return Card("success", title, _by_day(len(shown), "99 %"), charts.by_day(frame, words, target=0.99))


def budget(quarter: pd.DataFrame, spending: Budget | None, *, until: datetime, zone: ZoneInfo) -> Card:
    """Failed shops that 90 days still allow, in whole shops."""
    if spending is None or spending.allowed == 0:
        n = spending.n if spending else 0
        return Card(
            "budget",
            "No budget yet",
            "the first failed shop is allowed at 100 installs in 90 days",
            share=min(1.0, n / 100),
        )
    lost = quarter[quarter["judged"] & ~quarter["ok"] & ~quarter["withdrawn"]]
    ends = on_the_wall(pd.Series([until - pd.Timedelta(days=90), until]), zone)
    losses = _at(lost, "installed_at", zone)
    top = spending.left + len(losses)
    steps = pd.DataFrame(
        {
            "at": [ends[0], *losses["at"]],
            "shop": ["", *losses["shop"]],
            "left": range(top, top - len(losses) - 1, -1),
        }
    )
    bad = spending.left < 0
    title = (
        f"{-spending.left:,} more failed this quarter than allowed"
        if bad
        else f"{count(spending.left, 'failed shop') if spending.left else 'No failed shop'} left this quarter"
    )
    note = f"budget over 90 days, whole shops; {spending.allowed:,} allowed"
    return Card("budget", title, note, charts.budget(steps, start=ends[0], end=ends[1]), bad=bad)


def checks(slots: pd.DataFrame, zone: ZoneInfo, *, period: str) -> Card:
    """The safety checks of the last 24 h."""
    note = f"safety check, {period}, last 24 h; each line is 12 h"
    if slots.empty:
        return Card("checks", "No check was to run yet", note)
    bad = int(slots["state"].isin(["missed", "failed"]).sum())
    opened = int(slots["opened"].sum())
    title = (
        f"{bad:,} of {len(slots):,} checks missed or failed"
        if bad
        else (f"{len(slots):,} of {len(slots):,} checks ran; {count(opened, 'shop')} needed the net")
    )
    at = on_the_wall(slots["at"], zone)
    words = at.dt.strftime("%H:%M ") + slots["state"].map(CHECK_WORDS)
    frame = pd.DataFrame({"at": at, "state": slots["state"], "words": words})
    return Card("checks", title, note, charts.checks(frame), bad=bad > 0)


def _at(frame: pd.DataFrame, column: str, zone: ZoneInfo) -> pd.DataFrame:
    """The charts' columns `at` and `shop`, shops by the name that people know."""
    return pd.DataFrame({"at": on_the_wall(frame[column], zone), "shop": frame["name"]}, index=frame.index)


def _by_day(n: int, target: str) -> str:
    return "one dot an install, by day" if n < charts.FEW else f"rate; dashed: target {target}"
