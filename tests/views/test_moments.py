"""Moments in the viewer's zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from dashboard.moments import ago, clock, on_the_wall, when, zone_name, zone_of

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (datetime(2026, 11, 1, 22, 59, tzinfo=UTC), "1 Nov, 23:59"),
        (datetime(2026, 11, 1, 23, 0, tzinfo=UTC), "00:00"),
        (datetime(2026, 11, 2, 9, 30, tzinfo=UTC), "10:30"),
        (datetime(2025, 12, 31, 8, 0, tzinfo=UTC), "31 Dec 2025, 09:00"),
    ],
)
def test_a_day_is_named_when_it_is_not_the_viewers_today(moment: datetime, words: str) -> None:
    assert when(moment, zone_of("Europe/Stockholm"), now=NOW) == words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Europe/Stockholm", "Europe/Stockholm, UTC+01"),
        ("Asia/Kolkata", "Asia/Kolkata, UTC+05:30"),
        ("America/New_York", "America/New_York, UTC-05"),
        ("Nowhere/Land", "UTC"),
        (None, "UTC"),
    ],
)
def test_a_zone_is_named_with_its_offset(name: str | None, words: str) -> None:
    assert zone_name(zone_of(name), now=NOW) == words


def test_an_age_and_a_clock() -> None:
    assert ago(NOW - timedelta(seconds=4), NOW) == "4 s ago"
    assert clock(NOW, zone_of("Europe/Stockholm")) == "10:30:00"


def test_charts_get_wall_times_on_both_sides_of_a_change_of_the_clock() -> None:
    moments = pd.Series([datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)])

    wall = on_the_wall(moments, zone_of("Europe/Stockholm"))

    assert list(wall.dt.strftime("%H:%M")) == ["02:30", "02:30"]
