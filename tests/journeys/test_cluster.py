"""The same promises on a cluster: several workers by procrastinate, and a scheduler that runs no sync."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select

from sync_core.app_models import Product
from sync_core.db import Database
from sync_core.dispatch import jobs
from sync_core.models import ShopSync, SyncAttempt
from sync_core.sandbox.running import Running
from sync_core.states import Outcome
from tests.journeys.conftest import MakeSandbox, MakeStage
from tests.journeys.merchants import attempts, claims_per_shop, install_shops, statuses
from tests.journeys.processes import Stage, eventually
from tests.journeys.test_kill import rows, truth

BIG = "big.myshopify.com"
PRODUCTS = 4_000
LEASE = 5

MakeCluster = Callable[..., Stage]


@pytest.fixture
def engine_name() -> str:
    """The engine stands on PostgreSQL alone."""
    return "postgresql"


@pytest.fixture
def make_cluster(make_stage: MakeStage) -> MakeCluster:
    """`make_cluster(sandbox, LEASE_SECONDS="5")`: a stage with the engine's tables, no process yet."""

    def make(sandbox: Running, **environment: str) -> Stage:
        stage = make_stage(sandbox, DISPATCH="procrastinate", **environment)
        stage.command("init")
        return stage

    return make


def test_two_workers_bring_forty_shops_home_once_each(make_sandbox: MakeSandbox, make_cluster: MakeCluster) -> None:
    sandbox = make_sandbox(products=8, customers=4, orders=4, latency_ms=50)
    stage = make_cluster(sandbox, WORKERS="4")
    install_shops(stage, sandbox, [f"shop-{n}.myshopify.com" for n in range(40)], ago=timedelta(minutes=1))
    database = stage.database()

    stage.scheduler()
    work(stage, "worker-1", "worker-2")
    eventually(lambda: statuses(database)["COMPLETED"] == 40, "all completed", seconds=120)

    assert claims_per_shop(database) == {1: 40}
    assert set(runs_by_role(database)) == {"worker"}
    eventually(lambda: jobs_left(database) == 0, "no job left")


def test_a_dead_scheduler_stops_no_sync(make_sandbox: MakeSandbox, make_cluster: MakeCluster) -> None:
    sandbox = make_sandbox(products=8, customers=4, orders=4)
    stage = make_cluster(sandbox)
    install_shops(stage, sandbox, ["one.myshopify.com"], ago=timedelta(minutes=1))
    database = stage.database()

    work(stage, "worker")

    eventually(lambda: statuses(database)["COMPLETED"] == 1, "completed")


def test_a_killed_worker_is_taken_over_and_its_sync_resumes(
    make_sandbox: MakeSandbox, make_cluster: MakeCluster
) -> None:
    stage, sandbox, database = big_sync(make_sandbox, make_cluster)

    stage.kill("worker")
    kept = stored(database)
    work(stage, "successor")
    waited = eventually(lambda: len(attempts(database, BIG)) == 2, "taken over", seconds=LEASE + 30)
    eventually(lambda: statuses(database)["COMPLETED"] == 1, "completed", seconds=120)

    dead, successor = attempts(database, BIG)
    assert 0 < kept < PRODUCTS
    assert waited <= LEASE + 30
    assert (dead.outcome, successor.outcome) == (Outcome.ORPHANED, Outcome.COMPLETED)
    assert rows(database) == truth(sandbox.control.rows(BIG, "variants"))


def test_a_worker_that_sleeps_past_its_lease_writes_nothing_more_and_goes_on_working(
    make_sandbox: MakeSandbox, make_cluster: MakeCluster
) -> None:
    stage, sandbox, database = big_sync(make_sandbox, make_cluster)
    zombie = stage.running["worker"]

    zombie.send_signal(signal.SIGSTOP)
    work(stage, "successor")
    eventually(lambda: statuses(database)["COMPLETED"] == 1, "completed by another", seconds=120)
    forget_engine_workers(database)
    before = books(database)
    zombie.send_signal(signal.SIGCONT)
    eventually(lambda: "sync.stale" in log_of(stage, "worker"), "the zombie tries to write", seconds=60)
    stage.kill("successor")
    install_shops(stage, sandbox, ["next.myshopify.com"], ago=timedelta(minutes=1))
    eventually(lambda: statuses(database)["COMPLETED"] == 2, "the zombie works again", seconds=120)

    assert books(database) == before
    assert [attempt.outcome for attempt in attempts(database, BIG)] == [Outcome.ORPHANED, Outcome.COMPLETED]
    assert rows(database) >= truth(sandbox.control.rows(BIG, "variants"))


def test_a_worker_that_is_told_to_end_gives_its_sync_back(make_sandbox: MakeSandbox, make_cluster: MakeCluster) -> None:
    stage, _, database = big_sync(make_sandbox, make_cluster)

    stage.running["worker"].terminate()
    code = stage.running.pop("worker").wait(25)
    work(stage, "successor")
    eventually(lambda: statuses(database)["COMPLETED"] == 1, "completed", seconds=120)

    assert code == 0
    assert [attempt.outcome for attempt in attempts(database, BIG)] == [Outcome.RELEASED, Outcome.COMPLETED]


def test_a_request_starts_without_waiting_for_the_look(make_sandbox: MakeSandbox, make_cluster: MakeCluster) -> None:
    sandbox = make_sandbox(products=8, customers=4, orders=4)
    stage = make_cluster(sandbox)
    install_shops(stage, sandbox, ["one.myshopify.com"], ago=timedelta(minutes=1))
    database = stage.database()
    work(stage, "worker")
    eventually(lambda: statuses(database)["COMPLETED"] == 1, "completed")

    stage.command("trigger", "one.myshopify.com")
    eventually(lambda: len(attempts(database, "one.myshopify.com")) == 2, "claimed")
    eventually(lambda: attempts(database, "one.myshopify.com")[-1].outcome is not None, "ended")

    asked = attempts(database, "one.myshopify.com")[-1]
    assert asked.claimed_at is not None
    assert (asked.trigger, asked.outcome) == ("cli", Outcome.COMPLETED)


def big_sync(make_sandbox: MakeSandbox, make_cluster: MakeCluster) -> tuple[Stage, Running, Database]:
    """A scheduler and one worker in the middle of one big sync."""
    sandbox = make_sandbox(products=PRODUCTS, variants=(2, 2), customers=0, orders=0, latency_ms=150, throttle=False)
    stage = make_cluster(sandbox, LEASE_SECONDS=str(LEASE), BULK_OBJECTS="0")
    install_shops(stage, sandbox, [BIG], ago=timedelta(minutes=4))
    database = stage.database()
    stage.scheduler()
    work(stage, "worker")
    eventually(lambda: stored(database) >= PRODUCTS // 4, "a quarter stored")
    return stage, sandbox, database


def work(stage: Stage, *names: str) -> None:
    for name in names:
        stage.worker(name)


def stored(database: Database) -> int:
    with database.read() as session:
        return session.execute(select(func.count()).select_from(Product)).scalar_one()


def runs_by_role(database: Database) -> Counter[str]:
    """How many attempts each kind of process has taken."""
    with database.read() as session:
        return Counter(
            (owner or "nobody").partition("@")[0] for owner in session.execute(select(SyncAttempt.taken_by)).scalars()
        )


def jobs_left(database: Database) -> int:
    with database.read() as session:
        return session.execute(select(func.count()).select_from(jobs.JOBS)).scalar_one()


def forget_engine_workers(database: Database) -> None:
    """As after a long silence: the engine no longer knows its workers."""
    with database.write() as session:
        session.execute(delete(jobs.WORKERS))


def books(database: Database) -> tuple[object, ...]:
    """What a stale write would change."""
    with database.read() as session:
        shop = session.execute(select(ShopSync).where(ShopSync.shop_domain == BIG)).scalar_one()
        return shop.fence, shop.status, shop.cursor, shop.last_synced_at, shop.held


def log_of(stage: Stage, name: str) -> str:
    return (stage.folder / f"{name}.log").read_text(errors="replace")
