"""What stands under the fold: each card alone, whatever the others do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from dashboard import cards
from dashboard.cards import dots, lines
from sync_core import health
from sync_core.config import Settings
from sync_core.db import Database
from sync_core.health import BrowserPath, TimeToSync
from sync_core.health.cohort import Tally
from sync_core.health.objectives import share
from sync_core.health.times import judged

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
STOCKHOLM = ZoneInfo("Europe/Stockholm")


def young_installs(n: int) -> pd.DataFrame:
    """`n` installs of the last hour, synced and too young to be judged."""
    at = [NOW - timedelta(seconds=10 * nth) for nth in range(n)]
    plain = {"installed_at": at, "shop_id": "s", "domain": "s.myshopify.com", "name": "S", "seconds": 60.0}
    return pd.DataFrame(plain | {"path": "onboarding", "ok": True, "judged": False, "withdrawn": False, "waited": None})


def nothing_judged(database: Database, settings: Settings) -> health.Objectives:
    with database.read() as session:
        return health.objectives(session, since=NOW - timedelta(days=1), until=NOW, now=NOW, settings=settings)


def test_a_window_in_which_nothing_is_judged_yet_has_a_card(sqlite_database: Database, settings: Settings) -> None:
    figures = nothing_judged(sqlite_database, settings)

    few, many = dots.success(young_installs(9), figures, STOCKHOLM), lines.success(figures, (), STOCKHOLM)

    assert (few.figure is None, many.figure is None) == (False, True)
    assert "0 of 0" in few.title
    assert "not judged yet" in many.note


def test_many_installs_are_told_by_the_objectives_own_figures() -> None:
    tally = Tally()
    for kind, seconds, n in (("finished", 60, 297), ("finished", 400, 2), ("waiting", 500, 1), ("waiting", 9, 1)):
        tally.add(kind, seconds, n)
    times = TimeToSync(300, judged(tally), {"onboarding": judged(tally)}, None, 0)
    points = (point(NOW - timedelta(days=1), k=297, n=300),)

    time = lines.time_to_sync(times, points, STOCKHOLM)
    pick_up = lines.pick_up(share(299, 300, 1.0), points, STOCKHOLM)
    paths = lines.by_path(times, BrowserPath(9, 9, 200, 300))

    assert time.title == "3 of 301 took 5 min or longer, 1 of them still waits"
    assert (pick_up.title, pick_up.bad) == ("299 of 300 were started in time", True)
    assert paths.title == "Half had their data within 1 min"
    assert [list(trace.x) for trace in time.figure.data] == [[pd.Timestamp("2026-11-01 10:30")]] * 2  # type: ignore[union-attr]


def point(at: datetime, *, k: int, n: int) -> health.Point:
    part = health.Part(k, n)
    return health.Point(at, at + timedelta(days=1), part, part, part, n, 60.0, 90.0)


def test_a_panel_whose_data_took_too_long_says_so_alone() -> None:
    card = cards.too_slow("time", "the database took longer than 5 s")

    assert card.note.startswith("the database took longer than 5 s")
    assert (card.figure, card.bad) == (None, True)


def test_a_card_that_cannot_be_drawn_says_so_alone() -> None:
    def make() -> cards.Card:
        raise ValueError("cannot convert float NaN to integer")

    card = cards.drawn("success", make)

    assert (card.key, card.figure, card.bad) == ("success", None, True)
    assert "NaN" not in card.title + card.note


@pytest.mark.parametrize(
    ("browser", "title"),
    [
        (BrowserPath(5, 9, 200, 300), "Half had their data within 1 min"),
        (
            BrowserPath(0, 9, 200, 300),
            "Browsers started 0 of 9 in 24 h, 200 of 300 in the 30 days before: look at the onboarding page",
        ),
    ],
)
def test_a_browser_path_that_died_is_said_before_how_long_others_took(browser: BrowserPath, title: str) -> None:
    card = dots.by_path(young_installs(9), browser)

    assert (card.title, card.bad) == (title, browser.dead)
