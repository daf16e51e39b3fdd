"""The engine's queue: written with the caller's transaction, at most one waiting job a shop, decides nothing."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from typing import Any

import procrastinate
import pytest
from procrastinate.exceptions import AlreadyEnqueued
from sqlalchemy import insert, inspect, select, text, update
from sqlalchemy.orm import Session

from sync_core import cluster_schema, dispatch, lifecycle
from sync_core.config import Settings
from sync_core.db import Database, open_database
from sync_core.dispatch import jobs
from sync_core.errors import SchemaMismatch, Unavailable
from sync_core.models import Note
from sync_core.schema import detach, prepare
from sync_core.states import Trigger
from tests.conftest import Clock, MakeSettings
from tests.fleet import Fleet

AWAKE = 11
"""Seconds after its install at which a shop is awake."""


@pytest.fixture
def engine_name() -> str:
    """The engine stands on PostgreSQL alone."""
    return "postgresql"


@pytest.fixture
def settings(database_url: str, make_settings: MakeSettings) -> Settings:
    made = make_settings(database_url=database_url, dispatch="procrastinate")
    prepare(made)
    return made


@pytest.fixture
def fleet(database: Database, settings: Settings) -> Fleet:
    return Fleet(database, settings)


def ask(session: Session, fleet: Fleet, shop_id: str) -> None:
    """What each caller of `lifecycle.request` does."""
    now = fleet.database.now(session)
    lifecycle.request(session, shop_id, trigger=Trigger.MANUAL, now=now)
    dispatch.announce(session, shop_id, now=now, settings=fleet.settings)


def announce(fleet: Fleet, shop_id: str) -> None:
    with fleet.database.write() as session:
        dispatch.announce(session, shop_id, now=fleet.now, settings=fleet.settings)


def offer(fleet: Fleet) -> int:
    with fleet.database.write() as session:
        return jobs.offer_awake(session, now=fleet.now)


def waiting(fleet: Fleet) -> list[tuple[str, str]]:
    """(shop, queue) of each waiting job, in the order in which the engine takes them."""
    query = select(jobs.JOBS).where(jobs.WAITING).order_by(jobs.JOBS.c.priority.desc(), jobs.JOBS.c.id)
    with fleet.database.read() as session:
        return [(row.args["shop_id"], row.queue_name) for row in session.execute(query)]


def taken(fleet: Fleet) -> None:
    """As the engine does when its workers fetch all jobs, and are gone."""
    with fleet.database.write() as session:
        session.execute(update(jobs.JOBS).values(status=text("'doing'")))


def test_a_request_and_its_job_are_committed_together(fleet: Fleet) -> None:
    shop_id = fleet.install()

    with fleet.database.write() as session:
        ask(session, fleet, shop_id)

    assert waiting(fleet) == [(shop_id, "urgent")]


def test_a_request_that_is_rolled_back_leaves_no_job(fleet: Fleet) -> None:
    shop_id = fleet.install()

    with fleet.database.write() as session:
        ask(session, fleet, shop_id)
        session.rollback()

    assert waiting(fleet) == []


def test_announcing_twice_leaves_one_job_and_loses_nothing_of_the_caller(fleet: Fleet) -> None:
    shop_id = fleet.install()
    fleet.ask(shop_id)
    announce(fleet, shop_id)

    with fleet.database.write() as session:
        session.add(Note(shop_id=shop_id, at=fleet.now, by="Ada", text="before"))
        ask(session, fleet, shop_id)
        session.add(Note(shop_id=shop_id, at=fleet.now, by="Ada", text="after"))

    with fleet.database.read() as session:
        kept = list(session.execute(select(Note.text).order_by(Note.text)).scalars())
    assert kept == ["after", "before"]
    assert waiting(fleet) == [(shop_id, "urgent")]


def test_the_engines_own_defer_loses_the_callers_rows_when_its_savepoint_comes_late(fleet: Fleet) -> None:
    """Why jobs are written by INSERT … ON CONFLICT. Should this fail, the pitfall is gone."""
    shop_id = fleet.install()
    fleet.ask(shop_id)
    announce(fleet, shop_id)

    with fleet.database.write() as session:
        session.execute(text("SET LOCAL search_path TO shopsync"))
        raw = session.connection().connection.driver_connection
        session.add(Note(shop_id=shop_id, at=fleet.now, by="Ada", text="lost"))
        session.flush()
        with suppress(AlreadyEnqueued), session.begin_nested():
            defer_by_engine(raw, shop_id)

    with fleet.database.read() as session:
        assert session.execute(select(Note)).scalars().all() == []


def test_a_shop_that_sleeps_gets_no_job(fleet: Fleet) -> None:
    shop_id = fleet.install()

    announce(fleet, shop_id)

    assert waiting(fleet) == []


def test_the_pool_needs_no_table_of_the_engine(fleet: Fleet, database_url: str, make_settings: MakeSettings) -> None:
    shop_id = fleet.install()
    pool = Fleet(fleet.database, make_settings(database_url=database_url))

    with pool.database.write() as session:
        ask(session, pool, shop_id)

    assert waiting(fleet) == []


@pytest.mark.parametrize(("after", "offered"), [(9, 0), (10, 1), (11, 1)])
def test_a_shop_is_offered_from_the_moment_it_wakes(fleet: Fleet, clock: Clock, after: int, offered: int) -> None:
    fleet.install()
    clock.advance(seconds=after)

    found = offer(fleet)

    assert found == offered


def test_an_offer_is_made_once_until_a_worker_takes_it(fleet: Fleet, clock: Clock) -> None:
    fleet.install()
    clock.advance(seconds=AWAKE)

    first, second = offer(fleet), offer(fleet)
    taken(fleet)
    third = offer(fleet)

    assert (first, second, third) == (1, 0, 1)


def test_a_retry_and_an_expired_lease_are_offered_again(fleet: Fleet, clock: Clock) -> None:
    failed, lost = fleet.install("failed.myshopify.com"), fleet.install("lost.myshopify.com")
    fleet.fail(fleet.claim_one(failed), Unavailable("503"))
    fleet.claim_one(lost)
    clock.advance(minutes=2)

    offer(fleet)

    assert {shop for shop, _ in waiting(fleet)} == {failed, lost}


def test_a_rescue_goes_first_then_the_most_urgent_then_the_longest_waiting(fleet: Fleet, clock: Clock) -> None:
    late = fleet.synced("late.myshopify.com")
    fleet.ask(late, Trigger.WEBHOOK)
    clock.advance(seconds=1)
    second, third = fleet.install("second.myshopify.com"), fleet.install("third.myshopify.com")
    lost = fleet.install("lost.myshopify.com")
    fleet.claim_one(lost)
    clock.advance(seconds=61)

    offer(fleet)

    assert waiting(fleet) == [(lost, "urgent"), (second, "urgent"), (third, "urgent"), (late, "rest")]


def test_a_job_left_over_from_before_the_rescue_moves_up(fleet: Fleet, clock: Clock) -> None:
    first = fleet.install("first.myshopify.com")
    lost = fleet.install("lost.myshopify.com")
    clock.advance(seconds=AWAKE)
    offer(fleet)
    fleet.claim_one(lost)
    before = waiting(fleet)
    clock.advance(seconds=61)

    offer(fleet)

    assert [shop for shop, _ in before] == [first, lost]
    assert [shop for shop, _ in waiting(fleet)] == [lost, first]


def test_a_full_backlog_keeps_no_rescue_out(fleet: Fleet, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "BACKLOG", 1)
    fleet.install("waits.myshopify.com")
    lost = fleet.install("lost.myshopify.com")
    fleet.claim_one(lost)
    clock.advance(seconds=11)
    offer(fleet)
    clock.advance(seconds=50)

    offer(fleet)

    assert waiting(fleet)[0] == (lost, "urgent")


def test_a_person_makes_the_waiting_job_of_a_shop_urgent(fleet: Fleet) -> None:
    shop_id = fleet.synced()
    fleet.ask(shop_id, Trigger.WEBHOOK)
    announce(fleet, shop_id)
    before = waiting(fleet)

    with fleet.database.write() as session:
        ask(session, fleet, shop_id)

    assert (before, waiting(fleet)) == ([(shop_id, "rest")], [(shop_id, "urgent")])


@pytest.mark.parametrize(("backlog", "offered"), [(1, 1), (2, 2), (3, 2)])
def test_no_more_jobs_wait_than_the_backlog_holds(
    fleet: Fleet, clock: Clock, monkeypatch: pytest.MonkeyPatch, backlog: int, offered: int
) -> None:
    monkeypatch.setattr(jobs, "BACKLOG", backlog)
    for name in ("one", "two"):
        fleet.install(f"{name}.myshopify.com")
    clock.advance(seconds=AWAKE)

    offer(fleet)
    offer(fleet)

    assert len(waiting(fleet)) == offered


def test_one_process_offers_at_a_time(fleet: Fleet, clock: Clock) -> None:
    fleet.install()
    clock.advance(seconds=AWAKE)

    with fleet.database.write() as session:
        jobs.offer_awake(session, now=fleet.now)
        other = offer(fleet)

    assert other == 0
    assert len(waiting(fleet)) == 1


@pytest.mark.parametrize(("silent", "kept"), [(59, 1), (60, 1), (61, 0)])
def test_the_job_of_a_worker_that_is_gone_is_removed(fleet: Fleet, clock: Clock, silent: int, kept: int) -> None:
    shop_id = fleet.install()
    fleet.ask(shop_id)
    announce(fleet, shop_id)
    with fleet.database.write() as session:
        worker = insert(jobs.WORKERS).values(last_heartbeat=fleet.now).returning(jobs.WORKERS.c.id)
        number = session.execute(worker).scalar_one()
        session.execute(update(jobs.JOBS).values(status=text("'doing'"), worker_id=number))
    clock.advance(seconds=silent)

    with fleet.database.write() as session:
        jobs.tidy(session, now=fleet.now)

    with fleet.database.read() as session:
        assert len(session.execute(select(jobs.JOBS)).all()) == kept


def test_the_engines_tables_lie_in_our_schema_and_go_with_it(fleet: Fleet) -> None:
    engine = fleet.database.engine
    made = inspect(engine).get_table_names(schema="shopsync")

    dropped = detach(fleet.database)

    assert "procrastinate_jobs" in made
    assert set(made) == set(dropped)
    assert leftovers(fleet.database) == 0


def test_the_engines_tables_are_made_once(settings: Settings) -> None:
    again = prepare(settings)

    assert again == []


def test_tables_of_another_version_are_refused_and_made_anew(fleet: Fleet, settings: Settings) -> None:
    with fleet.database.engine.begin() as connection:
        connection.execute(text("COMMENT ON TABLE shopsync.procrastinate_jobs IS 'procrastinate 3.0.0'"))

    with pytest.raises(SchemaMismatch, match=r"procrastinate 3\.0\.0, expected .*: run `shopsync init`"):
        cluster_schema.check(fleet.database)
    applied = prepare(settings)

    assert [name.split()[0] for name in applied] == ["procrastinate"]
    cluster_schema.check(fleet.database)


def test_a_database_of_the_pool_is_refused_until_init(database_url: str, make_settings: MakeSettings) -> None:
    made = make_settings(database_url=database_url, dispatch="procrastinate")
    database = open_database(made, host_clock=lambda: pytest.fail("no clock is read"))

    with pytest.raises(SchemaMismatch, match="not there"):
        cluster_schema.check(database)

    database.close()


def test_a_process_of_the_pool_never_loads_the_engine() -> None:
    look = "import scheduler, sync_core.cli, dashboard.api, sys; sys.exit('procrastinate' in sys.modules)"

    done = subprocess.run([sys.executable, "-W", "ignore", "-c", look], check=False, timeout=60)

    assert done.returncode == 0


def defer_by_engine(raw: Any, shop_id: str) -> None:
    app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())
    task = app.configure_task(jobs.TASK, queueing_lock=f"shop:{shop_id}", connection=raw)
    task.defer(shop_id=shop_id)


def leftovers(database: Database) -> int:
    """Functions and types of the engine, anywhere."""
    found = text(
        "SELECT (SELECT count(*) FROM pg_proc WHERE proname LIKE 'procrastinate%')"
        " + (SELECT count(*) FROM pg_type WHERE typname LIKE 'procrastinate%')"
    )
    with database.engine.connect() as connection:
        number: int = connection.execute(found).scalar_one()
        return number
