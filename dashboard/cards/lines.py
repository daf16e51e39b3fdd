"""Cards of a window with many installs: the objectives' own figures, and how they went step by step."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

import pandas as pd

from dashboard.cards.card import PATHS_NOTE, Card, dead, still_waiting
from dashboard.charts import lines
from dashboard.charts.paths import PathTimes
from dashboard.charts.paths import by_path as draw_paths
from dashboard.moments import on_the_wall
from sync_core.explain import PATHS, span
from sync_core.health import BrowserPath, Objectives, Part, Point, Share, TimeToSync

Points = tuple[Point, ...]


def time_to_sync(times: TimeToSync, points: Points, zone: ZoneInfo) -> Card:
    """How long installs took to their first data; those that still wait are in the sentence."""
    whole, done = times.all, [each for each in points if each.finished]
    slow, n, waits = whole.n - whole.under_target, whole.n, whole.long_waiting
    if not done:
        return Card("time", "Nobody has data yet" if n else "No install", "time to sync", bad=waits > 0)
    title = f"{slow:,} of {n:,} took 5 min or longer{still_waiting(waits)}" if slow else f"All {n:,} within 5 min"
    rows = [(each.since, each.finished, each.p50, each.p95) for each in done]
    frame = _on_the_wall(pd.DataFrame(rows, columns=["at", "finished", "p50", "p95"]), zone)
    minutes = frame.assign(p50=frame["p50"] / 60, p95=frame["p95"] / 60)
    return Card("time", title, "time to sync, p50 and p95; dashed: 5 min", lines.time_to_sync(minutes))


def by_path(times: TimeToSync, browser: BrowserPath) -> Card:
    """Time to sync for each way in which an install was started; says first when browsers start none any more."""
    drawn = [
        PathTimes(PATHS[path], its.n, (its.p50 / 60, its.p95 / 60)[: its.n])
        for path, its in times.by_path.items()
        if its.p50 is not None and its.p95 is not None
    ]
    if not drawn or times.all.p50 is None:
        return Card("paths", "No install was started yet", PATHS_NOTE)
    title = dead(browser) if browser.dead else f"Half had their data within {span(times.all.p50)}"
    return Card("paths", title, PATHS_NOTE, draw_paths(drawn), bad=browser.dead)


def pick_up(share: Share, points: Points, zone: ZoneInfo) -> Card:
    """Which share of the installs was started in time, step by step."""
    steps = _shares(points, lambda point: point.pick_up, zone)
    if steps.empty:
        return Card("pick_up", "No install was to be started yet", "started in time")
    title = f"{share.k:,} of {share.n:,} were started in time"
    drawn = lines.rate(steps, target=1.0)
    return Card("pick_up", title, "rate, by when they were to be started; dashed: every shop", drawn, share.k < share.n)


def success(figures: Objectives, points: Points, zone: ZoneInfo) -> Card:
    """Which share of the installs had their data within a day, step by step."""
    share = figures.sync_success.all
    title = f"{share.k:,} of {share.n:,} synced within 24 h"
    steps = _shares(points, lambda point: point.sync_success, zone)
    if steps.empty:
        young = f"{figures.sync_success.unjudged:,} installs of this window, all younger than 24 h: not judged yet"
        return Card("success", title, young)
    drawn = lines.rate(steps, target=share.target)
    return Card("success", title, f"rate, by when their 24 h ended; dashed: target {100 * share.target:.0f} %", drawn)


def _shares(points: Points, part: Callable[[Point], Part], zone: ZoneInfo) -> pd.DataFrame:
    """Columns: at, k, n of the steps that have any."""
    rows = [(each.since, part(each).k, part(each).n) for each in points if part(each).n]
    return _on_the_wall(pd.DataFrame(rows, columns=["at", "k", "n"]), zone)


def _on_the_wall(frame: pd.DataFrame, zone: ZoneInfo) -> pd.DataFrame:
    return frame.assign(at=on_the_wall(frame["at"], zone))
