"""Cards of a window with few installs: each install is a dot, by name."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pandas as pd

from dashboard.cards.card import PATHS_NOTE, Card, dead, named_at, still_waiting
from dashboard.charts import dots
from dashboard.charts.paths import PathTimes
from dashboard.charts.paths import by_path as draw_paths
from sync_core.explain import PATHS, span
from sync_core.health import BrowserPath, Objectives

TARGET_SECONDS = 300


def time_to_sync(installs: pd.DataFrame, zone: ZoneInfo) -> Card:
    """How long each install took to its first data."""
    counted = installs[~installs["withdrawn"]]
    done = counted.dropna(subset=["seconds"])
    waits = counted["waited"].dropna()
    long_waits = int((waits > TARGET_SECONDS).sum())
    slow, n = int((done["seconds"] > TARGET_SECONDS).sum()) + long_waits, len(done) + len(waits)
    if done.empty:
        return Card("time", "Nobody has data yet" if n else "No install", "time to sync", bad=long_waits > 0)
    title = (
        f"{slow:,} of {n:,} took longer than 5 min{still_waiting(long_waits)}" if slow else f"All {n:,} within 5 min"
    )
    frame = named_at(done, "installed_at", zone).assign(minutes=done["seconds"] / 60)
    return Card("time", title, "time to sync, one dot an install; dashed: 5 min", dots.time_to_sync(frame))


def by_path(installs: pd.DataFrame, browser: BrowserPath) -> Card:
    """Time to sync for each way in which an install was started; says first when browsers start none any more."""
    done = installs.dropna(subset=["seconds", "path"])
    if done.empty:
        return Card("paths", "No install was started yet", PATHS_NOTE)
    minutes = done.assign(path=done["path"].map(PATHS), minutes=done["seconds"] / 60).groupby("path")["minutes"]
    found = {str(name): _times(str(name), its) for name, its in minutes}
    paths = [found[words] for words in PATHS.values() if words in found]
    within = f"Half had their data within {span(float(done['seconds'].median()))}"
    title = dead(browser) if browser.dead else within
    return Card("paths", title, PATHS_NOTE, draw_paths(paths), bad=browser.dead)


def _times(name: str, minutes: pd.Series[float]) -> PathTimes:
    few = len(minutes) < 5
    each = sorted(minutes) if few else (float(minutes.quantile(share)) for share in (0.5, 0.95))
    return PathTimes(name, len(minutes), tuple(each))


def pick_up(pickups: pd.DataFrame, zone: ZoneInfo) -> Card:
    """Which installs were started in time, by day."""
    n, late = len(pickups), int(pickups["late"].sum())
    if not n:
        return Card("pick_up", "No install was to be started yet", "started in time, by day")
    kind = pickups["late"].map({True: "bad", False: "good"})
    frame = named_at(pickups, "installed_at", zone).assign(kind=kind)
    words = dots.DotWords(good="started in time", bad="started late or not at all")
    title = f"{n - late:,} of {n:,} were started in time"
    return Card("pick_up", title, "one dot an install, by day", dots.by_day(frame, words), bad=late > 0)


def success(installs: pd.DataFrame, figures: Objectives, zone: ZoneInfo) -> Card:
    """Which installs had their data within a day, by day."""
    share = figures.sync_success.all
    shown = installs[~installs["withdrawn"]]
    if shown.empty:
        return Card("success", "No install in this window", "synced within 24 h, by day")
    kind = shown["ok"].map({True: "good", False: "bad"}).where(shown["judged"], "young")
    frame = named_at(shown, "installed_at", zone).assign(kind=kind)
    words = dots.DotWords(good="synced within 24 h", bad="not within 24 h")
    title = f"{share.k:,} of {share.n:,} synced within 24 h"
    return Card("success", title, "one dot an install, by day", dots.by_day(frame, words))
