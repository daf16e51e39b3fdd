"""The frames of the charts and the pages of checks."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from sqlalchemy.orm import Session

from sync_core import health
from sync_core.config import Settings
from sync_core.states import Hold, Status
from tests.conftest import Ago
from tests.health_rows import Rows

WEEK = timedelta(days=7)


@pytest.fixture
def rows(session: Session, now: datetime) -> Rows:
    return Rows(session, now)


def test_empty_frames_keep_their_columns_and_types(session: Session, now: datetime, settings: Settings) -> None:
    window = {"since": now - WEEK, "until": now}

    installs = health.installs(session, now=now, **window)
    pickups = health.pickups(session, **window)
    failures = health.failures(session, **window)
    slots = health.slots(session, now=now, settings=settings, **window)

    assert list(installs) == "installed_at shop_id domain name seconds waited path ok judged withdrawn".split()
    assert (str(installs["seconds"].dtype), str(installs["ok"].dtype)) == ("float64", "bool")
    assert all(isinstance(frame.iloc[:, 0].dtype, pd.DatetimeTZDtype) for frame in (installs, pickups, slots))
    assert list(failures) == ["error_class", "cause", "failed", "healed", "open"]
    assert (len(installs), len(pickups), len(failures), len(slots)) == (0, 0, 0, 0)


def test_each_install_of_the_window_is_one_row_oldest_first(
    rows: Rows, session: Session, now: datetime, ago: Ago
) -> None:
    rows.profile(rows.installed(ago(days=2), claimed=5, synced=61.5, path="api"), "Alder & Ash")
    rows.installed(ago(hours=1))
    rows.installed(ago(days=1, hours=1), left=120)
    rows.installed(ago(days=7, seconds=1))
    rows.installed(ago(days=2), watched=False)

    frame = health.installs(session, since=now - WEEK, until=now, now=now)

    assert frame["name"].tolist()[0] == "Alder & Ash"
    assert frame["path"].tolist() == ["manual", None, None]
    assert frame["ok"].tolist() == [True, False, False]
    assert frame["judged"].tolist() == [True, True, False]
    assert frame["withdrawn"].tolist() == [False, True, False]
    assert frame["seconds"].fillna(-1).tolist() == [61.5, -1, -1]
    assert frame["waited"].fillna(-1).tolist() == [-1, 120, 3600]


def test_pickups_name_who_was_late_or_never_taken(rows: Rows, session: Session, now: datetime, ago: Ago) -> None:
    for claimed in ({"claimed": 12}, {"claimed": 781}, {}):
        rows.installed(ago(days=2), **claimed, path="wake")
    rows.installed(ago(days=2), left=60)
    rows.installed(ago(minutes=12))

    frame = health.pickups(session, since=now - WEEK, until=now)

    assert sorted(frame["late"].tolist()) == [False, True, True]
    assert sorted(frame["waited"].fillna(-1).tolist()) == [-1, 12, 781]
    assert frame["picked_up_at"].isna().sum() == 1


def test_failed_tries_are_healed_or_still_open_by_cause(rows: Rows, session: Session, now: datetime, ago: Ago) -> None:
    well = rows.shop()
    failing = rows.shop(status=Status.FAILED, failures=2, failing_since=ago(minutes=30))
    gone = rows.shop(status=Status.FAILED, hold=Hold.UNINSTALLED, failures=1, failing_since=ago(hours=5))
    for shop_id, minutes in ((well, 60), (failing, 90), (failing, 30), (failing, 20), (gone, 40)):
        rows.attempt(shop_id, ago(minutes=minutes), "failed", error_class="unavailable")
    rows.attempt(well, ago(minutes=10), "orphaned")
    rows.attempt(well, ago(minutes=9), "completed")
    rows.attempt(well, ago(days=8), "failed", error_class="internal")

    frame = health.failures(session, since=now - WEEK, until=now)

    assert frame.to_dict("records") == [
        {"error_class": "unavailable", "cause": "Shopify too slow or down", "failed": 5, "healed": 2, "open": 2},
        {"error_class": "orphaned", "cause": "Worker died", "failed": 1, "healed": 1, "open": 0},
    ]


def test_the_strip_shows_how_each_expected_check_went(
    rows: Rows, session: Session, now: datetime, ago: Ago, settings: Settings
) -> None:
    rows.sweep(ago(minutes=40))
    rows.sweep(ago(minutes=35), due=3, opened=2)
    rows.sweep(ago(minutes=30) + timedelta(seconds=61))
    rows.sweep(ago(minutes=20), error="OperationalError")
    rows.sweep(ago(minutes=15), due=40, opened=10, over_limit=30)
    rows.sweep(ago(minutes=10) + timedelta(seconds=60))
    rows.sweep(ago(minutes=5), error="OperationalError")
    rows.sweep(ago(minutes=4), by="cron")
    rows.sweep(now)

    frame = health.slots(session, since=now - WEEK, until=now, now=now, settings=settings)

    states = ["ran", "found", "late", "missed", "failed", "over_limit", "ran", "ran"]
    assert frame["state"].tolist() == states
    assert frame["at"].tolist() == [pd.Timestamp(ago(minutes=minutes)) for minutes in range(40, 0, -5)]
    assert frame["opened"].tolist() == [0, 2, 0, 0, 0, 10, 0, 0]
    assert frame["by"].tolist()[3] is None
    assert frame["by"].tolist()[7] == "cron"


def test_ticks_are_paged_newest_first_without_gap_or_repeat(rows: Rows, session: Session, ago: Ago) -> None:
    ids = [rows.sweep(ago(minutes=5 * (nth // 2))) for nth in range(7)]

    first = health.sweeps(session, limit=3)
    second = health.sweeps(session, before=first.next_before, limit=3)
    third = health.sweeps(session, before=second.next_before, limit=3)

    listed = [tick.id for page in (first, second, third) for tick in page.rows]
    assert sorted(listed) == sorted(ids)
    assert third.next_before is None
    assert [tick.begun_at for tick in first.rows] == [ago(), ago(), ago(minutes=5)]


def test_losses_are_counted_day_by_day_in_the_viewers_zone(
    rows: Rows, session: Session, now: datetime, ago: Ago
) -> None:
    zone = ZoneInfo("America/Los_Angeles")
    for hours in (25, 26, 40, 121):  # deadlines 1, 2, 16 and 97 h ago; there midnight was 1.5 h ago
        rows.installed(ago(hours=hours))
    rows.installed(ago(hours=30), synced=60)
    rows.installed(ago(hours=23))

    own = {"since": now - timedelta(days=90), "until": now}
    frame = health.losses_by_day(session, now=now, zone=zone, **own)

    local = frame["deadline"].dt.tz_convert(zone).dt.strftime("%m-%d %H:%M")
    assert dict(zip(local, frame["n"], strict=True)) == {"10-29 00:00": 1, "11-01 00:00": 2, "11-02 00:00": 1}
    assert frame["n"].sum() == len(health.losses(session, **own))
