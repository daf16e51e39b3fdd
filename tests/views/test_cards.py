"""Cards: the sentence over each chart, and when there is no chart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from dashboard.cards import dots, shared
from sync_core.health import Budget

UTC_ZONE = ZoneInfo("UTC")
NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


def installs(*seconds: float | None, ok: bool = True, withdrawn: bool = False) -> pd.DataFrame:
    """One install a day; None: waits for an hour already."""
    n = len(seconds)
    return pd.DataFrame(
        {
            "installed_at": pd.to_datetime([NOW - timedelta(days=nth + 2) for nth in range(n)], utc=True),
            "name": [f"Shop {nth}" for nth in range(n)],
            "seconds": pd.Series(seconds, dtype=float),
            "waited": pd.Series([3600.0 if each is None else None for each in seconds], dtype=float),
            "path": "onboarding",
            "ok": ok,
            "judged": True,
            "withdrawn": withdrawn,
        }
    )


@pytest.mark.parametrize(
    ("seconds", "title"),
    [
        ((299.0, 300.0), "All 2 within 5 min"),
        ((299.0, 301.0), "1 of 2 took longer than 5 min"),
        ((299.0, None), "1 of 2 took longer than 5 min, 1 of them still waits"),
        ((299.0, None, None), "2 of 3 took longer than 5 min, 2 of them still wait"),
        ((None,), "Nobody has data yet"),
        ((), "No install"),
    ],
)
def test_the_time_card_counts_those_that_still_wait(seconds: tuple[float | None, ...], title: str) -> None:
    assert dots.time_to_sync(installs(*seconds), UTC_ZONE).title == title


def test_a_shop_that_was_uninstalled_before_is_not_waited_for() -> None:
    assert dots.time_to_sync(installs(None, withdrawn=True), UTC_ZONE).title == "No install"


def lost(n: int) -> pd.DataFrame:
    """`n` failed shops, one a day."""
    deadlines = pd.to_datetime([NOW - timedelta(days=nth + 1) for nth in range(n)], utc=True)
    return pd.DataFrame({"deadline": deadlines[::-1], "name": [f"Shop {nth}" for nth in range(n)], "n": 1})


@pytest.mark.parametrize(
    ("allowed", "spent", "title", "bad"),
    [
        (0, 0, "No budget yet", False),
        (4, 3, "1 failed shop left this quarter", False),
        (4, 4, "No failed shop left this quarter", False),
        (4, 6, "2 more failed this quarter than allowed", True),
    ],
)
def test_the_budget_is_said_in_whole_shops(allowed: int, spent: int, title: str, bad: bool) -> None:
    card = shared.budget(lost(spent), Budget(allowed * 100, allowed, spent), until=NOW, zone=UTC_ZONE)

    assert (card.title, card.bad) == (title, bad)


def test_the_budgets_steps_end_where_the_budget_stands() -> None:
    card = shared.budget(lost(2), Budget(400, 4, 2), until=NOW, zone=UTC_ZONE)

    assert card.figure is not None
    assert list(card.figure.data[0].y) == [4, 3, 2, 2]


def test_too_many_losses_to_name_are_taken_off_day_by_day() -> None:
    days = pd.to_datetime([NOW - timedelta(days=3), NOW - timedelta(days=1)], utc=True)
    by_day = pd.DataFrame({"deadline": days, "name": "", "n": [150, 60]})

    card = shared.budget(by_day, Budget(30_000, 300, 210), until=NOW, zone=UTC_ZONE)

    assert card.figure is not None
    assert list(card.figure.data[0].y) == [300, 150, 90, 90]


@pytest.mark.parametrize(
    ("healed", "title"),
    [(0, "1 try failed, 0 healed by themselves"), (1, "2 tries failed, 1 healed by itself")],
)
def test_the_failures_card_counts_in_words(healed: int, title: str) -> None:
    frame = pd.DataFrame({"error_class": ["scope"], "cause": "Permission missing", "healed": [healed], "open": [1]})

    assert shared.failures(frame).title == title


def test_failures_of_one_cause_are_one_bar() -> None:
    frame = pd.DataFrame(
        {"error_class": ["scope", "access_denied"], "cause": "Permission missing", "healed": [1, 2], "open": [0, 1]}
    )

    card = shared.failures(frame)

    assert card.title == "4 tries failed, 3 healed by themselves"
    assert card.figure is not None
    assert list(card.figure.data[0].x) == [3]


def test_checks_that_maintenance_excused_are_not_said_to_have_run() -> None:
    at = pd.date_range("2026-11-02 09:00", periods=6, freq="5min", tz="UTC")
    states = ["ran", "ran", "maintenance", "maintenance", "found", "ran"]
    slots = pd.DataFrame({"at": at, "state": states, "opened": [0, 0, 0, 0, 2, 0]})

    card = shared.checks(slots, UTC_ZONE, period="every 5 min")

    assert card.title == "4 of 4 checks ran; 2 shops needed the net"
    assert card.note.endswith("2 not expected: maintenance")
