"""Checks: what the safety check did, and one more now."""

from __future__ import annotations

from sqlalchemy import select

from dashboard.api.desk import Desk
from sync_core.models import Audit, ShopSync, Sweep
from tests.conftest import Clock
from tests.views.conftest import Fleet, OpenPage
from tests.views.screen import text


def test_no_check_yet_is_said(open_page: OpenPage) -> None:
    page = open_page("sweeps")

    assert "No check ran yet." in text(page)


def test_the_checks_are_listed_newest_first(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.alive()

    table = open_page("sweeps").dataframe[0].value

    assert list(table["Began"])[:3] == ["09:30:00", "09:25:00", "09:20:00"]
    assert len(table) == 50


def test_older_checks_follow_on_the_next_page(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.alive()
    page = open_page("sweeps")

    page.button(key="older_checks").click().run()

    assert page.dataframe[0].value["Began"].iloc[0] == "05:20:00"


def test_missed_checks_make_the_strip_red(open_page: OpenPage, fleet: Fleet, clock: Clock) -> None:
    fleet.alive()
    clock.advance(minutes=20)

    page = open_page("sweeps")

    assert ":red[3 of 288 checks missed or failed]" in text(page)


def test_one_more_check_now_is_booked_and_audited(open_page: OpenPage, fleet: Fleet, desk: Desk) -> None:
    fleet.burning()
    with desk.database.write() as session:
        late = session.get_one(ShopSync, "id-trying")
        late.due_at = desk.clock()
    page = open_page("sweeps")

    page.button(key="check_now").click().run()

    with desk.database.read() as session:
        done = session.execute(select(Sweep).where(Sweep.by == "Local admin")).scalar_one()
        audit = session.execute(select(Audit)).scalar_one()
    assert (done.slot, done.due, done.opened) == (None, 1, 1)
    assert audit.act == "check"
    assert "Checked: 1 shop due, 1 started, 0 new." in text(page)
