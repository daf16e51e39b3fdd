"""The objectives' rows at the edges of their verdicts: never a bare percentage, always what is known."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from dashboard.views.objectives import Row, rows
from sync_core import health
from sync_core.config import Settings
from sync_core.db import Database
from tests.conftest import Clock
from tests.health_rows import Rows

SUCCESS, PICK_UP, TIME, CHECKS = range(4)


@pytest.fixture
def session(sqlite_database: Database):
    with sqlite_database.write() as opened:
        yield opened


@pytest.fixture
def judged(session: Session, settings: Settings, clock: Clock):
    """`judged()`: the four rows of the last 30 days."""

    def look() -> list[Row]:
        now, since = clock(), clock() - timedelta(days=30)
        return rows(health.objectives(session, since=since, until=now, now=now, settings=settings))

    return look


def installed(session: Session, clock: Clock, n: int, *, synced: int | None = 60, claimed: int | None = 5) -> None:
    each = Rows(session, clock())
    moments = {word: value for word, value in (("synced", synced), ("claimed", claimed)) if value is not None}
    for nth in range(n):
        each.installed(clock() - timedelta(days=2, minutes=nth), path="wake", **moments)


def test_an_empty_window_has_no_data_and_no_percentage(judged) -> None:
    said = judged()

    assert [row.verdict for row in said] == [":gray[No data]"] * 4
    assert [row.figure for row in said] == ["no data"] * 4
    assert "%" not in "".join(row.story for row in said)


def test_150_of_150_is_undecided_and_says_how_many_it_takes(session: Session, clock: Clock, judged) -> None:
    installed(session, clock, 150)

    row = judged()[SUCCESS]

    assert row.figure == "150 of 150 :gray[· 100 %]"
    assert row.verdict == ":gray[Undecided until 381 installs]"


def test_with_a_target_of_all_none_missed_is_met(session: Session, clock: Clock, judged) -> None:
    installed(session, clock, 1)

    row = judged()[PICK_UP]

    assert (row.figure, row.verdict) == ("1 of 1 :gray[· 100 %]", "Met")


def test_with_a_target_of_all_one_missed_of_many_breaks_it_and_is_named(session: Session, clock: Clock, judged) -> None:
    installed(session, clock, 149)
    shop_id = Rows(session, clock()).shop("late", installed_at=clock() - timedelta(days=1))
    Rows(session, clock()).install(shop_id, clock() - timedelta(days=1), claimed=780.001, synced=900)

    row = judged()[PICK_UP]

    assert row.verdict == ":red[**Breached by 1 shop**]"
    assert row.figure == "149 of 150 :gray[· 99.3 %]"
    assert "late.myshopify.com" in row.story


def test_three_installs_that_disagree_leave_the_mean_undecided(session: Session, clock: Clock, judged) -> None:
    each = Rows(session, clock())
    for seconds in (60, 70, 400):
        each.installed(clock() - timedelta(days=2), claimed=5, synced=seconds, path="wake")

    row = judged()[TIME]

    assert (row.figure, row.verdict) == ("2 min 57 s", ":gray[Undecided: 3 installs]")


def test_installs_from_before_the_first_sign_of_life_count_in_nothing(session: Session, clock: Clock, judged) -> None:
    each = Rows(session, clock())
    each.install(each.shop(), clock() - timedelta(days=2), watched=False)

    said = judged()

    assert [row.figure for row in said] == ["no data"] * 4
