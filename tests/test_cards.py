"""What stands under the fold: each card alone, whatever the others do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from dashboard import cards, charts
from sync_core import health
from sync_core.config import Settings
from sync_core.db import Database
from sync_core.health import BrowserPath

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
STOCKHOLM = ZoneInfo("Europe/Stockholm")


def young_installs(n: int) -> pd.DataFrame:
    """`n` installs of the last hour, synced and too young to be judged."""
    at = [NOW - timedelta(seconds=10 * nth) for nth in range(n)]
    plain = {"installed_at": at, "shop_id": "s", "domain": "s.myshopify.com", "name": "S", "seconds": 60.0}
    return pd.DataFrame(plain | {"path": "onboarding", "ok": True, "judged": False, "withdrawn": False, "waited": None})


@pytest.mark.parametrize("n", [1, charts.FEW - 1, charts.FEW, charts.FEW + 1])
def test_a_window_in_which_nothing_is_judged_yet_has_a_card(
    sqlite_database: Database, settings: Settings, n: int
) -> None:
    with sqlite_database.read() as session:
        figures = health.objectives(session, since=NOW - timedelta(days=1), until=NOW, now=NOW, settings=settings)

    card = cards.success(young_installs(n), figures, STOCKHOLM)

    assert (card.figure is None) is (n >= charts.FEW)
    assert "0 of 0" in card.title


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
    card = cards.by_path(young_installs(9), browser)

    assert (card.title, card.bad) == (title, browser.dead)
