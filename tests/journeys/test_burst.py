"""Three hundred shops at once: one tick finds them all, and each is synced once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from sync_core.models import Sweep
from tests.journeys.conftest import MakeSandbox, MakeStage
from tests.journeys.merchants import claims_per_shop, install_shops, statuses
from tests.journeys.processes import eventually

SHOPS = 300
AN_HOUR = "3600"


@pytest.mark.journey
@pytest.mark.timeout(300)
@pytest.mark.parametrize("schedulers", [1, 2])
def test_one_tick_brings_three_hundred_waiting_shops_home(
    make_sandbox: MakeSandbox, make_stage: MakeStage, engine_name: str, schedulers: int
) -> None:
    if (engine_name, schedulers) == ("sqlite", 2):
        pytest.skip("SQLite serves one host and one scheduler")
    sandbox = make_sandbox(products=8, customers=4, orders=4, latency_ms=50)
    stage = make_stage(sandbox, SWEEP_PERIOD_SECONDS=AN_HOUR)
    install_shops(stage, sandbox, [f"burst-{n}.myshopify.com" for n in range(SHOPS)], ago=timedelta(minutes=4))
    database = stage.database()

    told = stage.command("sweep")
    for number in range(schedulers):
        stage.scheduler(f"scheduler-{number}")
    eventually(lambda: statuses(database)["COMPLETED"] == SHOPS, "all completed", seconds=240)

    with database.read() as session:
        found = [(sweep.due, sweep.opened) for sweep in session.execute(select(Sweep)).scalars() if sweep.due]
        slots = [slot for slot in session.execute(select(Sweep.slot)).scalars() if slot is not None]
    assert f"{SHOPS} due, {SHOPS} requested" in told
    assert found == [(SHOPS, SHOPS)]
    assert len(slots) == len(set(slots)) <= 2
    assert claims_per_shop(database) == {1: SHOPS}
