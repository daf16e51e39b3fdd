"""Cards of what is counted whatever its number: failures by cause, the budget, the checks."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pandas as pd

from dashboard.cards.card import Card, named_at
from dashboard.charts import bars
from dashboard.moments import on_the_wall
from sync_core.explain import count
from sync_core.health import Budget

LISTED_CAUSES = 6
CHECK_WORDS = {
    "ran": "ran, nothing to do",
    "found": "ran, started shops",
    "late": "ran late",
    "over_limit": "ran, more was due than it may start",
    "missed": "missed",
    "failed": "failed",
    "maintenance": "not expected: maintenance",
}


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
    return Card("failures", title, note, bars.failures(shown))


def budget(losses: pd.DataFrame, spending: Budget | None, *, until: datetime, zone: ZoneInfo) -> Card:
    """Failed shops that 90 days still allow, in whole shops. `losses`: as health.losses gives them, or by day."""
    if spending is None or spending.allowed == 0:
        n = spending.n if spending else 0
        return Card(
            "budget",
            "No budget yet",
            "the first failed shop is allowed at 100 installs in 90 days",
            share=min(1.0, n / 100),
        )
    ends = on_the_wall(pd.Series([until - pd.Timedelta(days=90), until]), zone)
    fell = named_at(losses, "deadline", zone)
    steps = pd.DataFrame(
        {
            "at": [ends[0], *fell["at"]],
            "shop": ["", *fell["shop"]],
            "left": [spending.allowed, *(spending.allowed - losses["n"].cumsum())],
        }
    )
    bad = spending.left < 0
    title = (
        f"{-spending.left:,} more failed this quarter than allowed"
        if bad
        else f"{count(spending.left, 'failed shop') if spending.left else 'No failed shop'} left this quarter"
    )
    note = f"budget over 90 days, whole shops; {spending.allowed:,} allowed"
    return Card("budget", title, note, bars.budget(steps, start=ends[0], end=ends[1]), bad=bad)


def checks(slots: pd.DataFrame, zone: ZoneInfo, *, period: str) -> Card:
    """The safety checks of the last 24 h."""
    note = f"safety check, {period}, last 24 h; each line is 12 h"
    if slots.empty:
        return Card("checks", "No check was to run yet", note)
    bad = int(slots["state"].isin(["missed", "failed"]).sum())
    excused, opened = int((slots["state"] == "maintenance").sum()), int(slots["opened"].sum())
    expected = len(slots) - excused
    title = (
        f"{bad:,} of {expected:,} checks missed or failed"
        if bad
        else (f"{expected:,} of {expected:,} checks ran; {count(opened, 'shop')} needed the net")
    )
    if excused:
        note += f"; {excused:,} not expected: maintenance"
    at = on_the_wall(slots["at"], zone)
    words = at.dt.strftime("%H:%M ") + slots["state"].map(CHECK_WORDS)
    frame = pd.DataFrame({"at": at, "state": slots["state"], "words": words})
    return Card("checks", title, note, bars.checks(frame), bad=bad > 0)
