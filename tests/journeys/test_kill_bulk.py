"""A scheduler killed again and again while a large shop comes by bulk: one operation, nothing fetched twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from sync_core.app_models import Product
from sync_core.db import Database
from sync_core.models import BulkItem, ShopSync
from tests.journeys.conftest import MakeSandbox, MakeStage
from tests.journeys.merchants import attempts, install_shops, statuses
from tests.journeys.processes import Stage, eventually
from tests.journeys.test_kill import rows, truth

DOMAIN = "big.myshopify.com"
PRODUCTS = 20_000
LEASE = 3


def haul(database: Database) -> dict[str, object]:
    """How the products' bulk operation stands in the cursor."""
    with database.read() as session:
        cursor = session.execute(select(ShopSync.cursor)).scalar_one()
    return (cursor.get("products") or {}).get("haul") or {}


def stored(database: Database) -> int:
    with database.read() as session:
        return session.execute(select(func.count()).select_from(Product)).scalar_one()


def killed_when(stage: Stage, database: Database, name: str, share: float) -> object:
    """A scheduler of this name, killed when so much of the products is stored; the offset that it left."""
    stage.scheduler(name)
    if share:
        eventually(lambda: stored(database) >= PRODUCTS * share, f"{share:.0%} stored", seconds=180)
    else:
        eventually(lambda: bool(haul(database).get("id")), "the operation is known", seconds=90)
    stage.kill(name)
    return haul(database).get("offset")


@pytest.mark.journey
@pytest.mark.timeout(900)
def test_a_bulk_sync_killed_anywhere_goes_on_with_its_operation_and_is_exact(
    make_sandbox: MakeSandbox, make_stage: MakeStage
) -> None:
    options = {"variants": (2, 2), "customers": 0, "orders": 0, "throttle": False}
    sandbox = make_sandbox(products=PRODUCTS, bulk_objects_per_second=30_000, **options)
    stage = make_stage(sandbox, LEASE_SECONDS=str(LEASE))
    install_shops(stage, sandbox, [DOMAIN], ago=timedelta(minutes=4))
    database = stage.database()

    left = [killed_when(stage, database, f"victim-{nth}", share) for nth, share in enumerate((0, 0.01, 0.5, 0.9))]
    stage.scheduler("successor")
    eventually(lambda: statuses(database)["COMPLETED"] == 1, "completed", seconds=240)

    log = sandbox.control.log(DOMAIN)
    starts = [line["after"] for line in log if line["operation"] == "bulk_file"]
    assert sum(line["operation"] == "BulkRun" for line in log) == 1
    assert not [line for line in log if line["operation"] == "Products"]
    assert starts == [offset for offset in (0, *left[1:]) if offset is not None]
    assert len(attempts(database, DOMAIN)) == 5
    assert rows(database) == truth(sandbox.control.rows(DOMAIN, "variants"))
    with database.read() as session:
        assert session.execute(select(func.count()).select_from(BulkItem)).scalar_one() == 0
