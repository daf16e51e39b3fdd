"""One tick of the safety net."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from sync_core import lifecycle, sweep
from sync_core.app_models import Shop
from sync_core.config import Settings
from sync_core.db import Database
from sync_core.lifecycle import Answer
from sync_core.models import Sweep
from sync_core.states import Status, Trigger
from sync_core.sweep import SweepReport
from tests.conftest import Clock, MakeSettings
from tests.fleet import Fleet


@pytest.fixture
def fleet(database: Database, settings: Settings) -> Fleet:
    return Fleet(database, settings)


def tick(fleet: Fleet) -> SweepReport:
    return sweep.tick(fleet.database, by="test", settings=fleet.settings, vault=fleet.vault)


def sweeps(fleet: Fleet) -> list[Sweep]:
    with fleet.database.read() as session:
        return list(session.execute(select(Sweep).order_by(Sweep.begun_at)).scalars())


@pytest.mark.parametrize(("seconds", "found"), [(179.999, 0), (180, 1), (180.001, 1)])
def test_a_pending_shop_is_found_after_the_grace(fleet: Fleet, clock: Clock, seconds: float, found: int) -> None:
    fleet.install()
    clock.advance(seconds=seconds)

    report = tick(fleet)

    assert (report.due, report.opened) == (found, found)


def test_a_tick_opens_a_request_and_runs_nothing(fleet: Fleet, clock: Clock) -> None:
    shop_id = fleet.install()
    clock.advance(minutes=4)

    report = tick(fleet)

    assert report.shops == [("one.myshopify.com", Answer.OPENED)]
    assert (fleet.sync(shop_id).status, fleet.attempts(shop_id)[0].trigger) == (Status.PENDING, Trigger.SWEEP)


def test_in_prompt_a_tick_drains_all_that_is_due(fleet: Fleet, clock: Clock) -> None:
    for number in range(23):
        fleet.install(f"shop-{number}.myshopify.com")
    clock.advance(minutes=4)

    report = tick(fleet)

    assert (report.due, report.opened, report.over_limit) == (23, 23, 0)
    assert len({domain for domain, _ in report.shops}) == 23


def test_in_classic_a_tick_takes_one_batch_the_oldest_first(
    fleet: Fleet, database_url: str, make_settings: MakeSettings, clock: Clock
) -> None:
    classic = Fleet(fleet.database, make_settings(database_url=database_url, sweep_profile="classic", sweep_batch=4))
    for number in range(6):
        classic.install(f"shop-{number}.myshopify.com")
        clock.advance(seconds=1)
    clock.advance(minutes=4)

    report = tick(classic)

    assert (report.due, report.opened, report.over_limit) == (6, 4, 2)
    assert [domain for domain, _ in report.shops] == [f"shop-{number}.myshopify.com" for number in range(4)]


def test_a_request_that_waits_is_joined_once_a_tick(fleet: Fleet, clock: Clock) -> None:
    for number in range(12):
        fleet.install(f"shop-{number}.myshopify.com")
    clock.advance(minutes=4)
    tick(fleet)
    clock.advance(minutes=5)

    report = tick(fleet)

    assert (report.due, report.opened, report.joined) == (12, 0, 12)


def test_a_dead_run_is_woken_by_the_sweep(fleet: Fleet, clock: Clock) -> None:
    shop_id = fleet.install()
    fleet.claim_one(shop_id)
    clock.advance(seconds=61)

    report = tick(fleet)

    assert (report.joined, fleet.sync(shop_id).wake_at) == (1, fleet.now)


def test_a_slot_is_booked_once_and_a_second_tick_still_sweeps(fleet: Fleet, clock: Clock) -> None:
    first = tick(fleet)
    fleet.install()
    clock.advance(minutes=4)

    second = tick(fleet)

    assert first.slot == sweep.slot_of(fleet.now, 300)
    assert (second.slot, second.opened) == (None, 1)


@pytest.mark.parametrize(("seconds", "same"), [(299.999, True), (300, False)])
def test_a_slot_lasts_one_period(fleet: Fleet, clock: Clock, seconds: float, same: bool) -> None:
    first = tick(fleet)
    clock.advance(seconds=seconds)

    second = tick(fleet)

    assert (second.slot is None) is same
    assert first.slot is not None


def test_a_tick_stores_what_it_found(fleet: Fleet, clock: Clock) -> None:
    fleet.install()
    clock.advance(minutes=4)

    tick(fleet)

    row = sweeps(fleet)[0]
    assert (row.due, row.opened, row.joined, row.error, row.ended_at) == (1, 1, 0, None, fleet.now)


def test_a_row_that_the_app_wrote_is_adopted_and_swept_in_one_tick(fleet: Fleet) -> None:
    with fleet.database.write() as session:
        fields = {"access_token": "shpat_x", "scopes": "", "sync_status": "FAILED"}
        session.add(Shop(id="app-1", shop_domain="app.myshopify.com", installed_at=fleet.now, **fields))

    report = tick(fleet)

    assert (report.adopted, report.opened) == (1, 1)
    assert fleet.sync("app-1").status == Status.PENDING


def test_a_token_that_cannot_be_opened_is_told_and_stops_no_other_shop(fleet: Fleet, clock: Clock) -> None:
    other = fleet.install("other.myshopify.com")
    clock.advance(minutes=4)
    with fleet.database.write() as session:
        fields = {"access_token": f"{'0' * 32}:{'0' * 32}", "scopes": "", "sync_status": "PENDING"}
        session.add(Shop(id="app-1", shop_domain="app.myshopify.com", installed_at=fleet.now, **fields))

    report = tick(fleet)

    assert "ENCRYPTION_KEY is unset" in str(sweeps(fleet)[0].error)
    assert report.opened == 1
    assert fleet.attempts(other)[0].trigger == Trigger.SWEEP


@pytest.mark.timeout(20)
@pytest.mark.parametrize("engine_name", ["postgresql"])
def test_a_tick_leaves_a_shop_that_somebody_has_locked_to_the_next_one(fleet: Fleet, clock: Clock) -> None:
    fleet.install("free.myshopify.com")
    held = fleet.install("held.myshopify.com")
    clock.advance(minutes=4)

    with fleet.database.write() as standing:
        lifecycle.locked(standing, held)
        report = tick(fleet)

    assert report.shops == [("free.myshopify.com", Answer.OPENED)]
    assert fleet.attempts(held) == []
