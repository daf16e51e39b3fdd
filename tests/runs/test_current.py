"""What Shopify changes and deletes arrives here, whatever becomes of its messages."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import insert, update

from sync_core.app_models import Customer, Order, OrderLineItem, Product, Refund, Variant
from sync_core.inbox import Inbox
from sync_core.lifecycle import claim_shop
from sync_core.models import WebhookInbox
from sync_core.sandbox.running import Running
from sync_core.states import Mode, Outcome
from tests.runs.conftest import ALL_SCOPES, DOMAIN, Bench, rows_at_shopify, rows_stored

KINDS = ("products", "customers", "orders")
TABLES: dict[str, tuple[Any, dict[str, str]]] = {
    "products": (Product, {"title": "title", "updated_at": "updatedAt"}),
    "variants": (Variant, {"sku": "sku", "title": "title"}),
    "customers": (Customer, {"first_name": "firstName", "email": "email"}),
    "orders": (Order, {"updated_at": "updatedAt", "financial_status": "financialStatus"}),
    "line_items": (OrderLineItem, {"title": "title", "quantity": "quantity"}),
    "refunds": (Refund, {"created_at": "createdAt"}),
}


def stored(bench: Bench, kind: str) -> dict[str, list[Any]]:
    return rows_stored(bench, *TABLES[kind])


def at_shopify(sandbox: Running, kind: str) -> dict[str, list[Any]]:
    return rows_at_shopify(sandbox, kind, TABLES[kind][1])


def tell(bench: Bench, topic: str, body: str = "{}", *, webhook_id: str | None = None) -> None:
    """Shopify's message arrives."""
    row = {"topic": topic, "shop_domain": DOMAIN, "body": body, "received_at": bench.clock()}
    with bench.tools.database.write() as session:
        session.execute(insert(WebhookInbox).values(webhook_id=webhook_id or str(uuid4()), **row))


def look(bench: Bench) -> Inbox:
    tools = bench.tools
    inbox = Inbox(tools.database, tools.settings, tools.vault)
    inbox.work()
    return inbox


def run_if_awake(bench: Bench) -> Outcome | None:
    """What a worker would do now."""
    with bench.tools.database.write() as session:
        claim = claim_shop(session, bench.shop_id, owner="test", now=bench.clock(), settings=bench.tools.settings)
    return bench.run(claim) if claim else None


def history(bench: Bench, sandbox: Running, dice: random.Random) -> list[tuple[str, str]]:
    """Ten acts of a merchant; what Shopify would tell of them."""
    told = []
    for _ in range(10):
        bench.clock.advance(minutes=dice.randint(1, 300))
        kind, act = dice.choice(KINDS), dice.choice(("create", "update", "update", "delete"))
        told.append((f"{kind}/{act}", _act(sandbox, dice, kind, act)))
    return told


def _act(sandbox: Running, dice: random.Random, kind: str, act: str) -> str:
    if act == "create":
        return sandbox.control.create(DOMAIN, kind)[0]
    number: str = dice.choice(sandbox.control.rows(DOMAIN, kind))["id"]
    if act == "delete":
        sandbox.control.delete(DOMAIN, kind, number)
    elif kind == "products":
        variants = [row["id"] for row in sandbox.control.rows(DOMAIN, "variants") if row["productId"] == number]
        gone = {dice.choice(variants): None} if len(variants) > 1 else {}
        sandbox.control.update(DOMAIN, kind, number, title=f"New {dice.random()}", variants=gone)
    else:
        fields = {"firstName": "Grace"} if kind == "customers" else {"refund": dice.randint(1, 900)}
        sandbox.control.update(DOMAIN, kind, number, **fields)
    return number


def deliver(bench: Bench, dice: random.Random, told: list[tuple[str, str]]) -> None:
    """A third is lost, the rest comes shuffled and now and then twice; the inbox and a worker look between."""
    kept = [event for event in told if dice.random() > 1 / 3]
    kept += [event for event in kept if dice.random() < 1 / 3]
    dice.shuffle(kept)
    for topic, number in kept:
        tell(bench, topic, f'{{"id": {number}}}')
        if dice.random() < 1 / 2:
            bench.clock.advance(seconds=dice.randint(1, 20))
            look(bench)
            run_if_awake(bench)


@pytest.mark.parametrize("seed", range(4))
def test_after_any_history_one_pass_makes_the_tables_equal_shopify(bench: Bench, sandbox: Running, seed: int) -> None:
    dice = random.Random(seed)
    sandbox.control.rescope(DOMAIN, [*ALL_SCOPES, "read_all_orders"])
    bench.clock.advance(days=1)
    bench.run()
    for _ in range(3):
        deliver(bench, dice, history(bench, sandbox, dice))
    bench.clock.advance(hours=24)

    outcome = bench.run()

    assert outcome is Outcome.COMPLETED
    for kind in TABLES:
        assert stored(bench, kind) == at_shopify(sandbox, kind), kind


def test_a_message_of_a_change_is_read_and_then_done(bench: Bench, sandbox: Running) -> None:
    bench.run()
    bench.clock.advance(hours=1)
    number = sandbox.control.rows(DOMAIN, "products")[3]["id"]
    sandbox.control.update(DOMAIN, "products", number, title="Renamed")
    tell(bench, "products/update", webhook_id="w-1")
    look(bench)

    outcome = run_if_awake(bench)

    bench.clock.advance(seconds=5)
    look(bench)
    with bench.tools.database.read() as session:
        row = session.get_one(WebhookInbox, "w-1")
    assert (outcome, bench.attempt().trigger) == (Outcome.COMPLETED, "webhook")
    assert stored(bench, "products")[number][0] == "Renamed"
    assert (row.result, row.body, bench.state().status) == ("read", "", "COMPLETED")


@pytest.mark.parametrize(("seconds", "left"), [(-1, 40), (0, 39), (1, 39)])
def test_a_deletion_of_which_no_message_came_is_found_once_a_day(
    bench: Bench, sandbox: Running, seconds: int, left: int
) -> None:
    bench.run()
    sandbox.control.delete(DOMAIN, "products", sandbox.control.rows(DOMAIN, "products")[0]["id"])
    bench.clock.advance(days=1, seconds=seconds - 1)  # the claim itself takes a second

    bench.run()

    assert len(stored(bench, "products")) == left


def test_a_sync_of_everything_finds_what_is_gone_at_once(bench: Bench, sandbox: Running) -> None:
    sandbox.control.rescope(DOMAIN, [*ALL_SCOPES, "read_all_orders"])
    bench.run()
    for kind in KINDS:
        sandbox.control.delete(DOMAIN, kind, sandbox.control.rows(DOMAIN, kind)[0]["id"])
    bench.clock.advance(minutes=10)

    bench.run(bench.claim(mode=Mode.EVERYTHING))

    for kind in TABLES:
        assert stored(bench, kind).keys() == at_shopify(sandbox, kind).keys(), kind


def test_a_first_sync_asks_for_no_ids(bench: Bench, sandbox: Running) -> None:
    bench.run()

    assert [line for line in sandbox.control.log(DOMAIN) if line["operation"].startswith("IdsOf")] == []


def test_an_order_too_old_to_be_seen_is_not_gone(bench: Bench, sandbox: Running) -> None:
    bench.run()
    with bench.tools.database.write() as session:
        long_ago = bench.clock() - timedelta(days=70)
        session.execute(update(Order).values(created_at=long_ago))
    for row in sandbox.control.rows(DOMAIN, "orders"):
        sandbox.control.delete(DOMAIN, "orders", row["id"])
    bench.clock.advance(days=1)
    bench.run()
    kept = len(stored(bench, "orders"))
    sandbox.control.rescope(DOMAIN, [*ALL_SCOPES, "read_all_orders"])
    bench.clock.advance(days=1)

    bench.run()

    assert (kept, len(stored(bench, "orders"))) == (15, 0)


def test_a_variant_that_left_its_product_goes_with_the_product_s_page(bench: Bench, sandbox: Running) -> None:
    bench.run()
    variant = sandbox.control.rows(DOMAIN, "variants")[0]
    bench.clock.advance(hours=1)
    sandbox.control.update(DOMAIN, "products", variant["productId"], variants={variant["id"]: None})

    bench.run()

    assert len(stored(bench, "variants")) == 119
    assert variant["id"] not in stored(bench, "variants")
