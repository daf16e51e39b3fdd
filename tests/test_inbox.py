"""The inbox: removals at once, one request for many changes, a bad message stops nothing, the law is kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, insert, select, update

from sync_core import credentials
from sync_core.app_models import Customer, Order, Product, Shop
from sync_core.config import Settings
from sync_core.db import Database
from sync_core.errors import Held, Unavailable
from sync_core.inbox import Inbox
from sync_core.models import Audit, Note, ShopProfile, ShopSync, WebhookInbox
from sync_core.states import Hold, Status, Trigger
from sync_core.store import CUSTOMERS, ORDERS, PRODUCTS, Batch, store
from tests.conftest import Clock
from tests.fleet import Fleet
from tests.test_store import customer, order, product

DOMAIN = "one.myshopify.com"
CUSTOMER = '{"customer": {"id": 5, "email": "ada@example.com"}, "data_request": {"id": 77}}'


@pytest.fixture
def fleet(database: Database, settings: Settings) -> Fleet:
    return Fleet(database, settings)


@pytest.fixture
def inbox(fleet: Fleet) -> Inbox:
    return Inbox(fleet.database, fleet.settings, fleet.vault)


@pytest.fixture
def shop_id(fleet: Fleet, clock: Clock) -> str:
    """A synced shop, at rest since a minute, with a product, and a customer who ordered."""
    shop_id = fleet.synced(DOMAIN)
    with fleet.database.write() as session:
        store(session, shop_id, Batch(PRODUCTS, [product(1, clock())]))
        store(session, shop_id, Batch(CUSTOMERS, [customer(5, clock())]))
        store(session, shop_id, Batch(ORDERS, [order(9, clock(), customerId="5")], links={"customerId": CUSTOMERS}))
    clock.advance(minutes=1)
    return shop_id


def tell(fleet: Fleet, topic: str, body: str = "{}", **more: Any) -> str:
    """Shopify's message arrives; its id."""
    row = {"webhook_id": str(uuid4()), "topic": topic, "shop_domain": DOMAIN, "body": body, "received_at": fleet.now}
    row |= {"triggered_at": fleet.now, **more}
    with fleet.database.write() as session:
        session.execute(insert(WebhookInbox).values(**row))
    return str(row["webhook_id"])


def message(fleet: Fleet, webhook_id: str) -> WebhookInbox:
    with fleet.database.read() as session:
        return session.get_one(WebhookInbox, webhook_id)


def count(fleet: Fleet, table: Any) -> int:
    with fleet.database.read() as session:
        return session.execute(select(func.count()).select_from(table)).scalar_one()


def audits(fleet: Fleet) -> list[tuple[str, dict[str, Any]]]:
    with fleet.database.read() as session:
        return [(row.act, row.detail) for row in session.execute(select(Audit).order_by(Audit.at)).scalars()]


def held(fleet: Fleet, shop_id: str, resource: str, as_of: datetime, *, skipped: str | None = None) -> None:
    """What the shop's last sync said of a resource."""
    found = {resource: {"rows": {}, "as_of": as_of.isoformat(), "skipped": skipped}}
    with fleet.database.write() as session:
        session.execute(update(ShopSync).where(ShopSync.shop_id == shop_id).values(held=found))


def test_many_messages_of_a_shop_are_one_request(fleet: Fleet, inbox: Inbox, shop_id: str) -> None:
    for topic in ("products/create", "products/update", "orders/updated", "orders/updated", "shop/update"):
        tell(fleet, topic)

    worked = inbox.work()

    attempt = fleet.attempts(shop_id)[-1]
    assert worked.asked == 1
    assert (attempt.trigger, attempt.mode, attempt.claimed_at) == ("webhook", "changes", None)
    assert attempt.reason == "Shopify told of orders/updated, products/create, products/update, shop/update"


@pytest.mark.parametrize(("seconds", "asked"), [(4.999, 0), (5, 1), (5.001, 1)])
def test_a_shop_is_asked_for_again_when_it_rested(
    fleet: Fleet, inbox: Inbox, clock: Clock, seconds: float, asked: int
) -> None:
    fleet.synced(DOMAIN)
    tell(fleet, "products/update")
    clock.advance(seconds=seconds)

    worked = inbox.work()

    assert worked.asked == asked


@pytest.mark.parametrize(("milliseconds", "done"), [(-1, 0), (0, 1), (1, 1)])
def test_a_message_is_done_when_a_pass_that_began_after_it_is_finished(
    fleet: Fleet, inbox: Inbox, shop_id: str, milliseconds: int, done: int
) -> None:
    webhook_id = tell(fleet, "products/update", "{}")
    held(fleet, shop_id, "products", fleet.now + timedelta(milliseconds=milliseconds))

    worked = inbox.work()

    assert (worked.done, worked.asked) == (done, 1 - done)
    assert (message(fleet, webhook_id).body == "") == bool(done)


def test_a_resource_that_may_not_be_read_is_not_asked_for_for_ever(fleet: Fleet, inbox: Inbox, shop_id: str) -> None:
    webhook_id = tell(fleet, "orders/create")
    held(fleet, shop_id, "orders", fleet.now - timedelta(days=9), skipped="the scope read_orders is missing")
    with fleet.database.write() as session:
        session.execute(update(ShopSync).values(last_synced_at=fleet.now - timedelta(seconds=10)))
        session.execute(update(WebhookInbox).values(received_at=fleet.now - timedelta(seconds=10)))

    worked = inbox.work()

    assert worked.asked == 0
    assert message(fleet, webhook_id).result == "not read: the scope read_orders is missing"


@pytest.mark.parametrize(("milliseconds", "done"), [(-1, 1), (0, 1), (1, 0)])
def test_a_resource_that_a_sync_leaves_out_is_not_asked_for_for_ever(
    fleet: Fleet, inbox: Inbox, shop_id: str, *, milliseconds: int, done: int
) -> None:
    synced = fleet.now - timedelta(seconds=10)
    webhook_id = tell(fleet, "orders/create", received_at=synced + timedelta(milliseconds=milliseconds))
    held(fleet, shop_id, "products", synced)
    with fleet.database.write() as session:
        session.execute(update(ShopSync).values(last_synced_at=synced))

    worked = inbox.work()

    assert (worked.done, worked.asked) == (done, 1 - done)
    assert message(fleet, webhook_id).result == ("not read: SYNC_RESOURCES leaves it out" if done else None)


def test_a_shop_of_which_no_sync_of_ours_is_known_is_asked_for(fleet: Fleet, inbox: Inbox, shop_id: str) -> None:
    tell(fleet, "orders/create", received_at=fleet.now - timedelta(seconds=10))
    with fleet.database.write() as session:
        session.execute(update(ShopSync).values(held={}, last_synced_at=fleet.now - timedelta(seconds=9)))

    worked = inbox.work()

    assert (worked.done, worked.asked) == (0, 1)


def test_a_shop_that_waits_runs_or_failed_is_left_alone_and_its_messages_wait(fleet: Fleet, inbox: Inbox) -> None:
    failed = fleet.install("failed.myshopify.com")
    fleet.fail(fleet.claim_one(failed), Unavailable("503"))
    fleet.claim_one(fleet.install("runs.myshopify.com"))
    fleet.install("waits.myshopify.com")
    told = [tell(fleet, "products/update", shop_domain=f"{name}.myshopify.com") for name in ("failed", "runs", "waits")]

    worked = inbox.work()

    assert (worked.asked, worked.done) == (0, 0)
    assert [message(fleet, webhook_id).handled_at for webhook_id in told] == [None, None, None]


@pytest.mark.parametrize(
    ("topic", "number", "table"),
    [("products/delete", 1, Product), ("customers/delete", 5, Customer), ("orders/delete", 9, Order)],
)
def test_what_is_deleted_at_shopify_goes_at_once(
    fleet: Fleet, inbox: Inbox, shop_id: str, *, topic: str, number: int, table: Any
) -> None:
    webhook_id = tell(fleet, topic, f'{{"id": {number}}}')

    inbox.work()

    row = message(fleet, webhook_id)
    assert count(fleet, table) == 0
    assert (row.result, row.body, row.handled_at) == ("deleted", "", fleet.now)


def test_an_order_outlives_its_customer(fleet: Fleet, inbox: Inbox, shop_id: str) -> None:
    tell(fleet, "customers/delete", '{"id": 5}')

    inbox.work()

    with fleet.database.read() as session:
        assert session.execute(select(Order.customer_id)).scalar_one() is None


def test_a_deletion_told_twice_is_done_once(fleet: Fleet, inbox: Inbox, shop_id: str) -> None:
    told = [tell(fleet, "products/delete", '{"id": 1}') for _ in range(2)]

    inbox.work()

    assert sorted(str(message(fleet, webhook_id).result) for webhook_id in told) == ["deleted", "not held"]


def test_a_deletion_during_a_run_is_worked_again_after_it(
    fleet: Fleet, inbox: Inbox, shop_id: str, clock: Clock
) -> None:
    claim = fleet.claim_one(shop_id)
    tell(fleet, "products/delete", '{"id": 1}')
    inbox.work()
    with fleet.database.write() as session:
        store(session, shop_id, Batch(PRODUCTS, [product(1, clock())]))  # fetched before it was deleted
    fleet.complete(claim)
    clock.advance(seconds=15)

    worked = inbox.work()

    assert worked.done == 1
    assert count(fleet, Product) == 0


def test_a_deletion_never_touches_another_shop(fleet: Fleet, inbox: Inbox, shop_id: str) -> None:
    fleet.synced("two.myshopify.com")
    tell(fleet, "products/delete", '{"id": 1}', shop_domain="two.myshopify.com")

    inbox.work()

    assert count(fleet, Product) == 1


def test_after_an_uninstall_changes_and_deletions_are_ignored(
    fleet: Fleet, inbox: Inbox, shop_id: str, clock: Clock
) -> None:
    fleet.uninstall(DOMAIN)
    told = [tell(fleet, topic, '{"id": 1}') for topic in ("products/delete", "products/update")]

    inbox.work()

    assert [message(fleet, webhook_id).result for webhook_id in told] == ["ignored: not installed"] * 2
    assert count(fleet, Product) == 1


def test_new_scopes_probe_a_shop_that_is_held_for_them(fleet: Fleet, inbox: Inbox, shop_id: str) -> None:
    fleet.fail(fleet.claim_one(shop_id), Held(Hold.SCOPE, "products may not be read"))
    webhook_id = tell(fleet, "app/scopes_update")

    inbox.work()

    sync = fleet.sync(shop_id)
    assert (sync.status, sync.hold, sync.wake_at) == (Status.FAILED, Hold.SCOPE, fleet.now)
    assert fleet.attempts(shop_id)[-1].trigger == Trigger.PROBE
    assert message(fleet, webhook_id).result == "probe opened"


def test_new_scopes_sync_a_shop_at_rest(fleet: Fleet, inbox: Inbox, shop_id: str) -> None:
    tell(fleet, "app/scopes_update")

    inbox.work()

    assert fleet.attempts(shop_id)[-1].trigger == Trigger.WEBHOOK


@pytest.mark.parametrize("hold", [Hold.FROZEN, Hold.REAUTHORISE])
def test_new_scopes_clear_no_other_hold(fleet: Fleet, inbox: Inbox, shop_id: str, hold: Hold) -> None:
    fleet.fail(fleet.claim_one(shop_id), Held(hold, "held"))
    webhook_id = tell(fleet, "app/scopes_update")

    inbox.work()

    assert fleet.attempts(shop_id)[-1].outcome == "failed"
    assert message(fleet, webhook_id).result == "left to the shop's next sync"


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"id": null}', '{"id": "gid://x"}', "\ufffd"])
def test_a_message_that_says_nothing_is_set_aside_and_stops_no_other(
    fleet: Fleet, inbox: Inbox, shop_id: str, body: str
) -> None:
    bad = tell(fleet, "products/delete", body)
    tell(fleet, "products/delete", '{"id": 1}')

    worked = inbox.work()

    assert (worked.set_aside, worked.done) == (1, 1)
    assert str(message(fleet, bad).result).startswith("set aside: ")
    assert count(fleet, Product) == 0


def test_a_message_that_fails_again_and_again_is_set_aside_with_the_reason(
    fleet: Fleet, inbox: Inbox, shop_id: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = tell(fleet, "products/delete", '{"id": 1}')
    monkeypatch.setattr("sync_core.removals.ROOTS", {})

    looks = [inbox.work() for _ in range(5) if clock.advance(seconds=15)]

    row = message(fleet, bad)
    assert [look.failed for look in looks] == [1, 1, 1, 1, 0]
    assert (row.result, row.body) == ("set aside: KeyError", '{"id": 1}')


def test_a_topic_that_nothing_needs_is_done_and_emptied(fleet: Fleet, inbox: Inbox) -> None:
    webhook_id = tell(fleet, "themes/publish", '{"x": 1}')

    inbox.work()

    assert (message(fleet, webhook_id).result, message(fleet, webhook_id).body) == (
        "ignored: nothing here needs it",
        "",
    )


def test_a_data_request_is_recorded_with_what_we_hold(fleet: Fleet, inbox: Inbox, shop_id: str) -> None:
    tell(fleet, "customers/data_request", CUSTOMER)

    inbox.work()

    held_of_them = {"customers": 1, "orders": 1}
    assert audits(fleet) == [
        ("customers/data_request", {"customer": "5", "data_request": 77, "held": held_of_them}),
    ]


@pytest.mark.parametrize("uninstalled", [False, True])
def test_a_customer_is_erased_and_that_is_recorded_without_their_data(
    fleet: Fleet, inbox: Inbox, shop_id: str, uninstalled: bool
) -> None:
    if uninstalled:
        fleet.uninstall(DOMAIN)
    webhook_id = tell(fleet, "customers/redact", CUSTOMER)

    inbox.work()

    assert (count(fleet, Customer), count(fleet, Order)) == (0, 1)
    assert audits(fleet) == [("customers/redact", {"customer": "5", "erased": 1})]
    assert message(fleet, webhook_id).body == ""


def test_a_shop_is_erased_and_its_episodes_stay(fleet: Fleet, inbox: Inbox, shop_id: str) -> None:
    with fleet.database.write() as session:
        session.add(ShopProfile(shop_id=shop_id, name="Oak", name_folded="oak", updated_at=fleet.now))
        session.add(Note(shop_id=shop_id, at=fleet.now, by="Ada", text="called"))
    fleet.uninstall(DOMAIN)
    tell(fleet, "shop/redact")

    inbox.work()

    assert [count(fleet, table) for table in (Product, Customer, Order, ShopProfile, Note)] == [0] * 5
    assert audits(fleet) == [("shop/redact", {"erased": {"orders": 1, "customers": 1, "products": 1}})]
    assert (len(fleet.installs(shop_id)), len(fleet.attempts(shop_id)), count(fleet, Shop)) == (1, 1, 1)


def test_a_shop_whose_uninstall_was_lost_is_asked_first_and_then_erased(
    fleet: Fleet, inbox: Inbox, shop_id: str, clock: Clock
) -> None:
    webhook_id = tell(fleet, "shop/redact")
    inbox.work()
    kept = count(fleet, Product)
    (claim,) = fleet.claim()
    fleet.fail(claim, Held(Hold.REAUTHORISE, "the token is dead"))
    clock.advance(seconds=15)

    inbox.work()

    assert (kept, count(fleet, Product), fleet.sync(shop_id).hold) == (1, 0, Hold.UNINSTALLED)
    assert message(fleet, webhook_id).result == "erased"
    with fleet.database.read() as session:
        assert credentials.load(session, shop_id, fleet.vault) is None


def test_a_shop_that_lives_is_not_erased(fleet: Fleet, inbox: Inbox, shop_id: str, clock: Clock) -> None:
    webhook_id = tell(fleet, "shop/redact")
    clock.advance(seconds=15)
    inbox.work()
    (claim,) = fleet.claim()
    fleet.complete(claim)
    clock.advance(seconds=15)

    inbox.work()

    assert count(fleet, Product) == 1
    assert message(fleet, webhook_id).result == "kept: installed, and synced since"
