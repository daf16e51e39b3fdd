"""A sync by bulk operation, and each way in which one fails: the rows are exact all the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import event, select

from sync_core import lifecycle
from sync_core.app_models import Customer, Order, OrderLineItem, Product, Refund, Variant
from sync_core.lifecycle import Claim
from sync_core.models import BulkItem, WebhookInbox
from sync_core.runner import Pulse, Tools, run
from sync_core.sandbox.running import Running
from sync_core.states import Mode, Outcome
from tests.runs.conftest import DOMAIN, Bench, Impatient

PRODUCTS, CUSTOMERS, ORDERS = 320, 260, 255
BY_BULK = "835 objects: bulk, about 8 s"
NAMES = ("products", "customers", "orders")


class Killed(BaseException):
    """The process dies here: nothing of it is booked."""


@pytest.fixture
def bulk(bench: Bench, sandbox: Running) -> Bench:
    """A shop whose products, customers and orders are each too many for a page, and a threshold below them."""
    sandbox.control.put_shop(DOMAIN, products=PRODUCTS, variants=(1, 6), customers=CUSTOMERS, orders=ORDERS)
    bench.tools = replace(bench.tools, settings=bench.tools.settings.model_copy(update={"bulk_objects": 1}))
    return bench


def stored(bench: Bench) -> dict[str, set[tuple[str, ...]]]:
    """Every row by kind: its id, its parent's, and what may change."""
    queries: dict[str, Any] = {
        "products": select(Product.shopify_id, Product.title),
        "variants": select(Variant.shopify_id, Product.shopify_id, Variant.sku).join(
            Product, Variant.product_id == Product.id
        ),
        "customers": select(Customer.shopify_id, Customer.email),
        "orders": select(Order.shopify_id, Customer.shopify_id).outerjoin(Customer, Order.customer_id == Customer.id),
        "line_items": select(OrderLineItem.shopify_id, Order.shopify_id, OrderLineItem.title).join(
            Order, OrderLineItem.order_id == Order.id
        ),
        "refunds": select(Refund.shopify_id, Order.shopify_id).join(Order, Refund.order_id == Order.id),
    }
    with bench.tools.database.read() as session:
        return {kind: {tuple(row) for row in session.execute(query)} for kind, query in queries.items()}


def truth(sandbox: Running) -> dict[str, set[tuple[str, ...]]]:
    """The same, as the sandbox has it."""
    names = {
        "products": ("id", "title"),
        "variants": ("id", "productId", "sku"),
        "customers": ("id", "email"),
        "orders": ("id", "customerId"),
        "line_items": ("id", "orderId", "title"),
        "refunds": ("id", "orderId"),
    }
    return {
        kind: {tuple(row[n] for n in own) for row in sandbox.control.rows(DOMAIN, kind)} for kind, own in names.items()
    }


def asked(sandbox: Running, operation: str) -> int:
    return len(sandbox.control.log(DOMAIN, operation=operation))


def by_pages(bench: Bench) -> Tools:
    return replace(bench.tools, settings=bench.tools.settings.model_copy(update={"bulk_objects": 0}))


def take_over(bench: Bench) -> Claim:
    """The claim of whoever comes after the lease."""
    bench.clock.advance(seconds=61)
    with bench.tools.database.write() as session:
        claim = lifecycle.claim_shop(
            session, bench.shop_id, owner="other", now=bench.clock(), settings=bench.tools.settings
        )
    assert claim is not None
    return claim


@contextmanager
def hearing(tools: Tools, act: Callable[[httpx.Request], None]) -> Iterator[Tools]:
    """The same tools; `act` hears each request before it is sent."""
    with httpx.Client(timeout=30, event_hooks={"request": [act]}) as http:
        yield replace(tools, http=http)


def test_everything_comes_by_bulk_operation_and_is_exact(bulk: Bench, sandbox: Running) -> None:
    outcome = bulk.run()

    assert outcome is Outcome.COMPLETED
    assert stored(bulk) == truth(sandbox)
    assert (asked(sandbox, "BulkRun"), asked(sandbox, "bulk_file")) == (3, 3)
    assert asked(sandbox, "Products") == 0
    assert bulk.attempt().progress["products"] == {"done": PRODUCTS, "total": PRODUCTS, "skipped": None, "ended": True}
    assert bulk.count(BulkItem) == 0


def test_the_plan_says_so(bulk: Bench) -> None:
    bulk.run()

    assert bulk.attempt().plan == BY_BULK


def test_no_token_is_sent_to_where_the_files_are(bulk: Bench, sandbox: Running) -> None:
    bulk.run()

    assert [line["token_sent"] for line in sandbox.control.log(DOMAIN, operation="bulk_file")] == [False] * 3


def test_the_operations_run_at_the_same_time_and_are_known_before_the_first_look(bulk: Bench) -> None:
    seen: list[tuple[str, int]] = []

    def hear(request: httpx.Request) -> None:
        word = next((name for name in ("BulkRun", "BulkStatus") if name.encode() in request.content), None)
        if word:
            cursor = bulk.state().cursor
            seen.append((word, sum(bool((cursor[name]["haul"] or {}).get("id")) for name in NAMES)))

    with hearing(bulk.tools, hear) as tools:
        bulk.run(tools=tools)

    assert seen[:4] == [("BulkRun", 0), ("BulkRun", 1), ("BulkRun", 2), ("BulkStatus", 3)]


def test_an_empty_file_is_a_success(bulk: Bench, sandbox: Running) -> None:
    sandbox.control.put_shop(DOMAIN, products=300, customers=0, orders=0)

    def empty(request: httpx.Request) -> None:
        if b"BulkRun" in request.content:
            for row in sandbox.control.rows(DOMAIN, "products"):
                sandbox.control.delete(DOMAIN, "products", row["id"])

    with hearing(bulk.tools, empty) as tools:
        outcome = bulk.run(tools=tools)

    assert outcome is Outcome.COMPLETED
    assert bulk.count(Product) == 0


def some_variant(sandbox: Running) -> tuple[str, str]:
    """A variant that is not its product's first, and the product."""
    rows = reversed(sandbox.control.rows(DOMAIN, "variants"))
    return next((row["id"], row["productId"]) for row in rows if row["position"] > 1)


def test_a_variant_that_left_its_product_goes(bulk: Bench, sandbox: Running) -> None:
    bulk.run(tools=by_pages(bulk))
    bulk.clock.advance(days=1)
    left, product = some_variant(sandbox)
    sandbox.control.update(DOMAIN, "products", product, variants={left: None})

    bulk.run(bulk.claim(mode=Mode.EVERYTHING))

    assert stored(bulk)["variants"] == truth(sandbox)["variants"]
    assert left not in {row[0] for row in stored(bulk)["variants"]}
    assert asked(sandbox, "BulkRun") == 3
    assert bulk.count(BulkItem) == 0


@pytest.mark.parametrize("access", ["denied", "refused"])
def test_an_app_without_access_to_bulk_reads_pages_and_does_not_ask_again_for_a_day(
    bulk: Bench, sandbox: Running, access: str
) -> None:
    sandbox.control.put_shop(DOMAIN, keep=True, bulk_access=access)

    bulk.run()
    plan = bulk.attempt().plan
    bulk.clock.advance(hours=23)
    bulk.run(bulk.claim(mode=Mode.EVERYTHING))
    again = bulk.attempt().plan

    assert stored(bulk) == truth(sandbox)
    assert asked(sandbox, "BulkRun") == 1
    assert plan == f"{BY_BULK}; products, customers, orders page by page: the app may not run bulk operations"
    assert again == "835 objects: page by page, about 4 s"


def test_bulk_is_tried_again_a_day_after_it_was_denied(bulk: Bench, sandbox: Running) -> None:
    sandbox.control.put_shop(DOMAIN, keep=True, bulk_access="denied")
    bulk.run()
    sandbox.control.put_shop(DOMAIN, keep=True, bulk_access="granted")
    bulk.clock.advance(hours=25)

    bulk.run(bulk.claim(mode=Mode.EVERYTHING))

    assert bulk.attempt().plan == BY_BULK
    assert stored(bulk) == truth(sandbox)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"kind": "failed", "objects": 700}, "the bulk operation ended FAILED (INTERNAL_SERVER_ERROR)"),
        ({"kind": "failed", "objects": 700, "message": "TIMEOUT"}, "the bulk operation ended FAILED (TIMEOUT)"),
        ({"kind": "failed", "message": ""}, "the bulk operation ended FAILED"),
        ({"kind": "canceled"}, "the bulk operation ended CANCELED"),
        ({"kind": "expired"}, "the bulk operation ended EXPIRED"),
    ],
)
def test_an_operation_that_fails_twice_gives_way_to_pages(
    bulk: Bench, sandbox: Running, fault: dict[str, Any], said: str
) -> None:
    sandbox.control.put_shop(DOMAIN, products=PRODUCTS, variants=(1, 6), customers=0, orders=0)
    sandbox.control.fault(DOMAIN, operation="bulk_run", **fault)

    outcome = bulk.run()

    assert outcome is Outcome.COMPLETED
    assert stored(bulk) == truth(sandbox)
    assert (asked(sandbox, "BulkRun"), asked(sandbox, "Products")) == (2, 2)
    assert str(bulk.attempt().plan).endswith(f"; products page by page: {said}")


def test_an_operation_that_fails_once_is_run_again(bulk: Bench, sandbox: Running) -> None:
    sandbox.control.put_shop(DOMAIN, products=PRODUCTS, variants=(1, 6), customers=0, orders=0)
    sandbox.control.fault(DOMAIN, "failed", operation="bulk_run", objects=700, times=1)

    bulk.run()

    assert stored(bulk) == truth(sandbox)
    assert (asked(sandbox, "BulkRun"), asked(sandbox, "Products")) == (2, 0)


def test_what_a_failed_operation_had_written_is_stored_though_it_comes_late(bulk: Bench, sandbox: Running) -> None:
    sandbox.control.put_shop(DOMAIN, products=PRODUCTS, variants=(1, 6), customers=0, orders=0)
    sandbox.control.faults(
        DOMAIN,
        [
            {"kind": "failed", "operation": "bulk_run", "objects": 700, "seconds": 3},
            {"kind": "400", "operation": "^Products"},
        ],
    )
    looks: list[bytes] = []

    def pass_time(request: httpx.Request) -> None:
        if b"BulkStatus" in request.content:
            looks.append(request.content)
            bulk.clock.advance(seconds=1)

    with hearing(bulk.tools, pass_time) as tools:
        outcome = bulk.run(tools=tools)

    assert outcome is Outcome.FAILED
    assert 0 < bulk.count(Product) < PRODUCTS
    assert stored(bulk)["variants"] < truth(sandbox)["variants"]


def test_a_file_without_its_end_is_never_taken_for_whole(bulk: Bench, sandbox: Running) -> None:
    sandbox.control.put_shop(DOMAIN, products=PRODUCTS, variants=(1, 6), customers=0, orders=0)
    sandbox.control.fault(DOMAIN, "short", operation="bulk_file")

    bulk.run()

    assert stored(bulk) == truth(sandbox)
    assert "its file could not be read: The file ended after" in str(bulk.attempt().plan)


def test_fewer_lines_than_shopify_counted_are_never_taken_for_all(bulk: Bench, sandbox: Running) -> None:
    sandbox.control.put_shop(DOMAIN, products=PRODUCTS, variants=(1, 6), customers=0, orders=0)
    sandbox.control.fault(DOMAIN, "lossy", operation="bulk_run", objects=700)

    bulk.run()

    assert stored(bulk) == truth(sandbox)
    assert "products page by page: its file has" in str(bulk.attempt().plan)


@pytest.mark.parametrize("kind", ["half", "reset", "503", "short"])
def test_a_download_that_breaks_off_goes_on_where_it_was(bulk: Bench, sandbox: Running, kind: str) -> None:
    sandbox.control.put_shop(DOMAIN, products=PRODUCTS, variants=(1, 6), customers=0, orders=0)
    sandbox.control.fault(DOMAIN, kind, operation="bulk_file", times=2)

    bulk.run()

    assert stored(bulk) == truth(sandbox)
    assert (asked(sandbox, "BulkRun"), asked(sandbox, "bulk_file"), asked(sandbox, "Products")) == (1, 3, 0)


def test_an_operation_that_stands_still_is_cancelled_and_given_up(bulk: Bench, sandbox: Running) -> None:
    sandbox.control.put_shop(DOMAIN, products=300, customers=0, orders=0, bulk_objects_per_second=0)

    def pass_time(request: httpx.Request) -> None:
        if b"BulkStatus" in request.content:
            bulk.clock.advance(seconds=20)

    with hearing(bulk.tools, pass_time) as tools:
        outcome = bulk.run(tools=tools)

    assert outcome is Outcome.COMPLETED
    assert stored(bulk)["products"] == truth(sandbox)["products"]
    assert asked(sandbox, "BulkCancel") == 2
    assert "did not move for 300 s" in str(bulk.attempt().plan)


def test_looking_at_an_operation_that_stands_still_is_no_progress(bulk: Bench, sandbox: Running) -> None:
    sandbox.control.put_shop(DOMAIN, products=300, customers=0, orders=0, bulk_objects_per_second=0)
    claim = bulk.claim()
    pulse = Pulse(claim.claimed_at)
    quiet: list[timedelta] = []

    def pass_time(request: httpx.Request) -> None:
        if b"BulkStatus" in request.content:
            quiet.append(bulk.clock() - pulse.progressed_at)
            bulk.clock.advance(seconds=20)

    with hearing(bulk.tools, pass_time) as tools:
        run(claim, tools, pulse=pulse, stopping=bulk.stopping)

    assert max(quiet) >= timedelta(seconds=300)


def test_no_place_for_another_operation_means_pages(bulk: Bench, sandbox: Running) -> None:
    sandbox.control.put_shop(DOMAIN, keep=True, bulk_slots=0)

    bulk.run()

    assert stored(bulk) == truth(sandbox)
    assert "as many bulk operations run as may" in str(bulk.attempt().plan)


def test_a_lost_answer_to_a_submission_starts_no_second_operation(bulk: Bench, sandbox: Running) -> None:
    sandbox.control.put_shop(DOMAIN, products=PRODUCTS, variants=(1, 6), customers=0, orders=0)
    sandbox.control.fault(DOMAIN, "lost", operation="BulkRun", times=1)

    bulk.run()

    assert stored(bulk) == truth(sandbox)
    assert asked(sandbox, "BulkRun") == 1


@pytest.mark.parametrize(("word", "nth"), [("BulkRun", 2), ("BulkStatus", 1), ("_storage", 1), ("_storage", 2)])
def test_a_killed_run_goes_on_with_the_same_operations(bulk: Bench, sandbox: Running, word: str, nth: int) -> None:
    heard: list[str] = []

    def die(request: httpx.Request) -> None:
        if word in str(request.url) or word.encode() in request.content:
            heard.append(word)
            if len(heard) == nth:
                raise Killed

    with hearing(bulk.tools, die) as dying, pytest.raises(Killed):
        bulk.run(tools=dying)

    outcome = bulk.run(take_over(bulk))

    assert outcome is Outcome.COMPLETED
    assert stored(bulk) == truth(sandbox)
    assert asked(sandbox, "BulkRun") == 3


@pytest.mark.parametrize("words", ['DELETE FROM "Variant"', "DELETE FROM bulk_item"])
def test_a_run_killed_while_it_settles_a_file_leaves_nothing_behind(bulk: Bench, sandbox: Running, words: str) -> None:
    bulk.run(tools=by_pages(bulk))
    bulk.clock.advance(days=1)
    left, product = some_variant(sandbox)
    sandbox.control.update(DOMAIN, "products", product, variants={left: None})
    claim = bulk.claim(mode=Mode.EVERYTHING)

    with dying_at(bulk, words), pytest.raises(Killed):
        bulk.run(claim)

    outcome = bulk.run(take_over(bulk))

    assert outcome is Outcome.COMPLETED
    assert stored(bulk) == truth(sandbox)
    assert (asked(sandbox, "BulkRun"), bulk.count(BulkItem)) == (3, 0)


@contextmanager
def dying_at(bench: Bench, words: str) -> Iterator[None]:
    """The process dies when it would send such a statement."""

    def die(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if words in re.sub(r"\b(public|shopsync|main)\.", "", statement):
            raise Killed

    event.listen(bench.tools.database.engine, "before_cursor_execute", die)
    yield
    event.remove(bench.tools.database.engine, "before_cursor_execute", die)


def test_shopifys_word_that_it_is_over_ends_the_wait(bulk: Bench, sandbox: Running) -> None:
    sandbox.control.put_shop(DOMAIN, products=300, customers=0, orders=0, bulk_objects_per_second=0)
    waits, looks = [], []

    class Telling(Impatient):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout)
            _told(bulk, bulk.clock())
            return self.is_set()

    def pass_time(request: httpx.Request) -> None:
        if b"BulkStatus" in request.content:
            looks.append(request)
            bulk.clock.advance(seconds=20)

    bulk.stopping = Telling()
    with hearing(bulk.tools, pass_time) as tools:
        bulk.run(tools=tools)

    assert len(looks) > 10
    assert len(waits) <= len(looks)


def _told(bench: Bench, at: datetime) -> None:
    message = {"topic": "bulk_operations/finish", "shop_domain": DOMAIN, "received_at": at, "body": "{}"}
    with bench.tools.database.write() as session:
        session.merge(WebhookInbox(webhook_id=at.isoformat(), **message))
