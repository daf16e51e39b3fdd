"""A scheduler killed again and again in the middle of a big sync: taken over, resumed, exact."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from sync_core.app_models import Product, Variant
from sync_core.db import Database
from sync_core.states import Outcome
from tests.journeys.conftest import MakeSandbox, MakeStage
from tests.journeys.merchants import attempts, install_shops, statuses
from tests.journeys.processes import eventually

DOMAIN = "big.myshopify.com"
PRODUCTS = 20_000
LEASE = 5
AHEAD = 2
"""Pages that a kill makes the successor fetch again: the one being stored, and the next, fetched meanwhile."""


def stored(database: Database) -> int:
    with database.read() as session:
        return session.execute(select(func.count()).select_from(Product)).scalar_one()


@pytest.mark.journey
@pytest.mark.timeout(400)
def test_a_sync_killed_three_times_resumes_each_time_at_the_stored_page(
    make_sandbox: MakeSandbox, make_stage: MakeStage
) -> None:
    sandbox = make_sandbox(products=PRODUCTS, variants=(2, 2), customers=0, orders=0, latency_ms=100, throttle=False)
    stage = make_stage(sandbox, LEASE_SECONDS=str(LEASE), BULK_OBJECTS="0")
    install_shops(stage, sandbox, [DOMAIN], ago=timedelta(minutes=4))
    database = stage.database()
    stage.scheduler()
    for quarter in (1, 2, 3):
        eventually(lambda: stored(database) >= PRODUCTS * quarter // 4, f"{quarter} quarters stored", seconds=120)  # noqa: B023
        stage.kill("scheduler" if quarter == 1 else f"successor-{quarter - 1}")
        assert stored(database) < PRODUCTS
        stage.scheduler(f"successor-{quarter}")
        waited = eventually(lambda: len(attempts(database, DOMAIN)) == quarter + 1, "taken over", seconds=LEASE + 30)  # noqa: B023
        assert waited <= LEASE + 30

    eventually(lambda: statuses(database)["COMPLETED"] == 1, "completed", seconds=120)

    outcomes = [attempt.outcome for attempt in attempts(database, DOMAIN)]
    reads = page_reads(sandbox.control.log(DOMAIN))
    assert outcomes == [Outcome.ORPHANED] * 3 + [Outcome.COMPLETED]
    assert len(reads) == PRODUCTS // 250
    assert sum(reads.values()) - len(reads) <= 3 * AHEAD
    assert rows(database) == truth(sandbox.control.rows(DOMAIN, "variants"))


def page_reads(log: list[dict[str, object]]) -> Counter[object]:
    """How often the sandbox served each page of the products, by the cursor that it follows."""
    return Counter(line["after"] for line in log if line["operation"] == "Products")


def rows(database: Database) -> set[tuple[str, str, str]]:
    """(product, variant, price) as stored."""
    query = select(Product.shopify_id, Variant.shopify_id, Variant.price).join(
        Variant, Variant.product_id == Product.id
    )
    with database.read() as session:
        return {(product, variant, f"{price:.2f}") for product, variant, price in session.execute(query)}


def truth(variants: list[dict[str, object]]) -> set[tuple[str, str, str]]:
    """The same, as the sandbox has it."""
    return {(str(row["productId"]), str(row["id"]), f"{float(str(row['price'])):.2f}") for row in variants}
