"""Three hundred shops at once: one tick finds them all, and each is synced once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from sync_core.models import Sweep
from tests.journeys.conftest import MakeSandbox, MakeStage
from tests.journeys.merchants import claims_per_shop, install_shops, statuses
from tests.journeys.processes import Stage, eventually

SHOPS = 300
AN_HOUR = "3600"


@pytest.mark.journey
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("engine_name", "dispatcher", "processes"),
    [("sqlite", "pool", 1), ("postgresql", "pool", 1), ("postgresql", "pool", 2), ("postgresql", "procrastinate", 2)],
)
def test_one_tick_brings_three_hundred_waiting_shops_home(
    make_sandbox: MakeSandbox, make_stage: MakeStage, dispatcher: str, processes: int
) -> None:
    sandbox = make_sandbox(products=8, customers=4, orders=4, latency_ms=50)
    stage = make_stage(sandbox, SWEEP_PERIOD_SECONDS=AN_HOUR, DISPATCH=dispatcher)
    if dispatcher == "procrastinate":
        stage.command("init")
    install_shops(stage, sandbox, [f"burst-{n}.myshopify.com" for n in range(SHOPS)], ago=timedelta(minutes=4))
    database = stage.database()

    told = stage.command("sweep")
    start(stage, dispatcher, processes)
    eventually(lambda: statuses(database)["COMPLETED"] == SHOPS, "all completed", seconds=240)

    with database.read() as session:
        found = [(sweep.due, sweep.opened) for sweep in session.execute(select(Sweep)).scalars() if sweep.due]
        slots = [slot for slot in session.execute(select(Sweep.slot)).scalars() if slot is not None]
    assert f"{SHOPS} due, {SHOPS} requested" in told
    assert found == [(SHOPS, SHOPS)]
    assert len(slots) == len(set(slots)) <= 2
    assert claims_per_shop(database) == {1: SHOPS}


def start(stage: Stage, dispatcher: str, processes: int) -> None:
    """So many processes that sync; beside the cluster's workers a scheduler that sweeps."""
    if dispatcher == "pool":
        for number in range(processes):
            stage.scheduler(f"scheduler-{number}")
        return
    stage.scheduler()
    for number in range(processes):
        stage.worker(f"worker-{number}")
