"""A scheduler killed in the middle of a big sync: taken over, resumed, exact."""

from __future__ import annotations

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
PRODUCTS = 5_000
LEASE = 5


def stored(database: Database) -> int:
    with database.read() as session:
        return session.execute(select(func.count()).select_from(Product)).scalar_one()


@pytest.mark.journey
@pytest.mark.timeout(300)
def test_a_killed_sync_is_taken_over_and_resumes_at_the_stored_page(
    make_sandbox: MakeSandbox, make_stage: MakeStage
) -> None:
    sandbox = make_sandbox(products=PRODUCTS, variants=(2, 2), customers=0, orders=0, latency_ms=150, throttle=False)
    stage = make_stage(sandbox, LEASE_SECONDS=str(LEASE), BULK_OBJECTS="0")
    install_shops(stage, sandbox, [DOMAIN], ago=timedelta(minutes=4))
    database = stage.database()
    stage.scheduler()
    eventually(lambda: stored(database) >= PRODUCTS // 4, "a quarter stored")

    stage.kill("scheduler")
    kept = stored(database)
    stage.scheduler("successor")
    waited = eventually(lambda: len(attempts(database, DOMAIN)) == 2, "taken over", seconds=LEASE + 30)
    eventually(lambda: statuses(database)["COMPLETED"] == 1, "completed", seconds=120)

    dead, successor = attempts(database, DOMAIN)
    pages = sandbox.control.log(DOMAIN)
    assert 0 < kept < PRODUCTS
    assert waited <= LEASE + 30
    assert (dead.outcome, successor.outcome) == (Outcome.ORPHANED, Outcome.COMPLETED)
    assert first_page_reads(pages) == 1
    assert rows(database) == truth(sandbox.control.rows(DOMAIN, "variants"))


def first_page_reads(log: list[dict[str, object]]) -> int:
    """How often the sandbox served the products from their beginning."""
    return sum(1 for line in log if line["operation"] == "Products" and not line["after"])


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
