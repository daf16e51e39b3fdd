"""System: who is alive, what is set."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from dashboard import data
from dashboard.api import app as api
from dashboard.api.desk import Desk, Door
from sync_core.models import Heartbeat, StartEstimate
from tests.conftest import Clock, MakeSettings
from tests.health_rows import Rows
from tests.views.conftest import Fleet, OpenPage
from tests.views.screen import text


def test_a_living_scheduler_is_listed_as_alive(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.alive()

    page = open_page("system")

    assert list(page.table[0].value["State"]) == ["alive"]
    assert not page.error


def test_a_silent_scheduler_comes_with_the_command_that_mends_it(
    open_page: OpenPage, fleet: Fleet, clock: Clock
) -> None:
    fleet.alive()
    clock.advance(minutes=5)

    page = open_page("system")

    assert list(page.table[0].value["State"]) == [":red[**silent**]"]
    assert "python scheduler.py" in page.error[0].value


def test_no_process_at_all_is_said(open_page: OpenPage) -> None:
    page = open_page("system")

    assert "No process has ever given a sign of life." in text(page)


def test_a_secret_is_said_to_be_set_and_never_shown(open_page: OpenPage, desk: Desk) -> None:
    said = text(open_page("system"))

    assert "Cron secret" in said
    for secret in (desk.settings.cron_secret, desk.settings.token_keys, desk.settings.shopify_api_secret):
        assert secret is not None
        assert secret.get_secret_value() not in said


def test_the_three_kinds_of_silence_look_different(open_page: OpenPage, fleet: Fleet, clock: Clock, desk: Desk) -> None:
    fleet.alive()
    calm = open_page("system")
    with desk.database.write() as session:
        Rows(session, clock()).sweep(clock.advance(seconds=1), due=17, opened=10, over_limit=7)
    data.look_again()
    limited = open_page("system")
    clock.advance(minutes=5)
    data.look_again()

    dead = open_page("system")

    assert "The scheduler is alive, and nothing is due." in text(calm)
    assert not calm.error
    assert not calm.warning
    assert "the last left 7 shops for the next" in limited.warning[0].value
    assert not limited.error
    assert "python scheduler.py" in dead.error[0].value
    assert not dead.warning


def test_every_check_is_shown_live_with_its_mend(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.alive()

    said = text(open_page("system"))

    assert "answers in" in said
    assert "Schema" in said
    assert "Sandbox" in said
    assert "start it (shopsync sandbox)" in said


def test_channels_that_are_not_set_are_said(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.alive()

    said = text(open_page("system"))

    assert "not set: nobody is woken" in said
    assert "not set: what can wait is told to nobody" in said
    assert "not set: nobody outside notices" in said


@pytest.mark.parametrize(("error", "words"), [(None, "heard us 0 s ago"), ("HTTP 404", "failed 0 s ago: HTTP 404")])
def test_the_dead_mans_switch_says_whether_it_heard_us(
    open_page: OpenPage, fleet: Fleet, desk: Desk, make_settings: MakeSettings, *, error: str | None, words: str
) -> None:
    fleet.alive()
    with desk.database.write() as session:
        session.execute(update(Heartbeat).values(pinged_at=desk.clock(), ping_error=error))
    url = "https://hc-ping.example/planted-secret"
    api.state.door = Door(lambda: replace(desk, settings=make_settings(healthcheck_ping_url=url)))

    said = text(open_page("system"))

    assert words in said
    assert "planted-secret" not in said


def test_a_clock_that_is_off_is_shown_and_mended(open_page: OpenPage, fleet: Fleet, desk: Desk) -> None:
    fleet.alive()
    with desk.database.write() as session:
        session.execute(update(Heartbeat).values(clock_offset=-7.25))

    page = open_page("system")

    assert list(page.table[0].value["Clock"]) == ["-7.2 s"]
    assert "start time synchronisation" in text(page)


def test_what_shops_without_success_take_of_the_workers_is_said(
    open_page: OpenPage, fleet: Fleet, desk: Desk, clock: Clock
) -> None:
    fleet.alive()
    calm = text(open_page("system"))
    with desk.database.write() as session:
        rows = Rows(session, clock())
        poison = rows.shop("poison", status="FAILED", failures=4)
        rows.attempt(poison, clock(), "failed", claimed_at=clock() - timedelta(minutes=45))
    data.capacity.clear()

    said = text(open_page("system"))

    assert "that never had data" not in calm
    assert "1 shop that never had data kept 0.8 workers busy in the last hour; 15.2 of the 16 alive now" in said


@pytest.mark.parametrize(("minutes", "said"), [(2, False), (4, True)])
def test_what_is_less_than_a_tenth_of_a_worker_is_not_said(
    open_page: OpenPage, fleet: Fleet, clock: Clock, *, minutes: int, said: bool
) -> None:
    fleet.alive()
    with fleet.desk.database.write() as session:
        rows = Rows(session, clock())
        poison = rows.shop("poison", status="FAILED", failures=4)
        rows.attempt(poison, clock(), "failed", claimed_at=clock() - timedelta(minutes=minutes))

    assert ("that never had data" in text(open_page("system"))) is said


def test_how_good_the_estimated_starts_were_is_said_with_its_numbers(
    open_page: OpenPage, fleet: Fleet, desk: Desk, clock: Clock
) -> None:
    fleet.alive()
    with desk.database.write() as session:
        for nth, late in enumerate((0, 6, 6, 45)):
            at = clock.moment - timedelta(minutes=5)
            own = {"made_at": at, "starts_at": at + timedelta(minutes=2), "settled_at": clock.moment, "fence": 1}
            session.add(StartEstimate(shop_id=str(nth), started_at=at + timedelta(minutes=2, seconds=late), **own))

    said = text(open_page("system"))

    assert "In 24 h 3 of 4 estimated starts came within 30 s or a tenth of the wait, 75 %" in said
    assert "half within 6 s, 95 % within 45 s" in said


def test_no_estimate_yet_is_no_figure(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.alive()

    assert "estimated starts" not in text(open_page("system"))
