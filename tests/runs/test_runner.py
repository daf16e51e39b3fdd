"""One attempt against a real local Shopify, on each database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from sync_core import credentials, lifecycle
from sync_core.app_models import Customer, Order, OrderLineItem, Product, Refund, Shop, SyncState, Variant
from sync_core.credentials import TokenPair
from sync_core.models import ShopProfile
from sync_core.resources import customers, orders, products
from sync_core.runner import Pulse, Tools, run
from sync_core.sandbox.running import Running
from sync_core.states import Mode, Outcome
from tests.runs.conftest import DOMAIN, Bench


class Killed(BaseException):
    """The process dies here: nothing of it is booked."""


def test_a_first_sync_stores_everything_and_completes(bench: Bench, sandbox: Running) -> None:
    outcome = bench.run()

    assert outcome is Outcome.COMPLETED
    assert (bench.state().status, bench.attempt().outcome) == ("COMPLETED", "completed")
    assert bench.count(Product) == 40
    assert bench.count(Variant) == 120
    for kind, table in {"customers": Customer, "orders": Order, "line_items": OrderLineItem, "refunds": Refund}.items():
        assert bench.count(table) == len(sandbox.control.rows(DOMAIN, kind)), kind


def test_a_first_sync_says_who_the_shop_is_and_what_we_hold(bench: Bench) -> None:
    bench.run()

    with bench.tools.database.read() as session:
        profile = session.get_one(ShopProfile, bench.shop_id)
        shop = session.get_one(Shop, bench.shop_id)
        noted = set(session.execute(select(SyncState.resource)).scalars())
    assert profile.currency == shop.currency_code
    assert list(bench.state().held) == ["shop", "products", "customers", "orders"]
    assert bench.state().held["products"]["rows"] == {"products": 40, "variants": 120}
    assert noted == {"products", "customers", "orders"}


def test_the_attempt_shows_its_plan_and_its_progress(bench: Bench) -> None:
    bench.run()

    attempt = bench.attempt()
    assert attempt.plan == "67 objects: page by page, about 2 s"
    assert attempt.progress["products"] == {"done": 40, "total": 40, "skipped": None, "ended": True}
    assert list(attempt.progress) == ["shop", "products", "customers", "orders"]
    assert attempt.requests == 5
    assert attempt.points > 0
    assert attempt.bytes > 0


def test_the_second_sync_reads_only_what_changed_since_the_first_began(bench: Bench, sandbox: Running) -> None:
    bench.clock.advance(days=1)
    bench.run()
    changed = sandbox.control.rows(DOMAIN, "products")[7]["id"]
    bench.clock.advance(days=1)
    sandbox.control.update(DOMAIN, "products", changed, title="Renamed")

    bench.run()

    with bench.tools.database.read() as session:
        title = session.execute(select(Product.title).where(Product.shopify_id == changed)).scalar_one()
    assert title == "Renamed"
    assert bench.attempt().progress["products"] == {"done": 1, "total": 1, "skipped": None, "ended": True}
    assert bench.attempt().progress["orders"]["total"] == 0


def test_a_resource_expects_the_points_that_shopify_asks_for(bench: Bench, sandbox: Running) -> None:
    bench.run()

    asked = {line["operation"].lower(): line["requested"] for line in sandbox.control.log(DOMAIN)}
    for resource in (products.RESOURCE, customers.RESOURCE, orders.RESOURCE):
        assert (resource.most_points or resource.page_points) == asked[resource.name], resource.name


def test_an_empty_pass_of_changes_is_a_success(bench: Bench) -> None:
    bench.clock.advance(days=1)
    bench.run()
    bench.clock.advance(days=1)

    outcome = bench.run()

    assert outcome is Outcome.COMPLETED
    assert bench.attempt().progress["products"] == {"done": 0, "total": 0, "skipped": None, "ended": True}


def test_a_killed_run_resumes_at_the_page_that_it_had_not_stored(bench: Bench, sandbox: Running) -> None:
    killed = bench.claim()
    with _hearing(bench.tools, "query Customers", _die) as dying, pytest.raises(Killed):
        bench.run(killed, tools=dying)
    bench.clock.advance(seconds=61)
    with bench.tools.database.write() as session:
        again = lifecycle.claim_shop(
            session, bench.shop_id, owner="other", now=bench.clock(), settings=bench.tools.settings
        )
    sandbox.control.forget_log()

    outcome = bench.run(again)

    assert outcome is Outcome.COMPLETED
    assert sandbox.control.log(DOMAIN, operation="Products") == []
    assert (bench.count(Product), bench.count(Customer)) == (40, 12)


def test_a_run_whose_claim_is_over_writes_nothing(bench: Bench) -> None:
    stale = bench.claim()
    bench.clock.advance(seconds=61)
    with bench.tools.database.write() as session:
        lifecycle.claim_shop(session, bench.shop_id, owner="other", now=bench.clock(), settings=bench.tools.settings)

    outcome = bench.run(stale)

    assert outcome is None
    assert bench.count(Product) == 0
    assert bench.state().status == "IN_PROGRESS"


def test_a_process_that_stops_gives_its_claim_back_between_two_pages(bench: Bench) -> None:
    with _hearing(bench.tools, "query Customers", bench.stopping.set) as tools:
        outcome = bench.run(tools=tools)

    state = bench.state()
    assert outcome is Outcome.RELEASED
    assert (state.status, state.failures) == ("PENDING", 0)
    assert [state.cursor[name]["ended"] for name in ("products", "customers", "orders")] == [True, True, False]


def test_a_process_that_stops_at_the_last_page_completes(bench: Bench) -> None:
    with _hearing(bench.tools, "query Orders", bench.stopping.set) as tools:
        outcome = bench.run(tools=tools)

    assert outcome is Outcome.COMPLETED


@pytest.mark.parametrize(
    ("fault", "cause", "hold"),
    [
        ({"kind": "402"}, "frozen", "frozen"),
        ({"kind": "423"}, "locked", "locked"),
        ({"kind": "inactive"}, "locked", "locked"),
        ({"kind": "404"}, "not_found", None),
        ({"kind": "430"}, "security", None),
        ({"kind": "400"}, "refused", None),
        ({"kind": "403"}, "scope", "scope"),
        ({"kind": "denied", "field": "products"}, "scope", "scope"),
    ],
)
def test_each_answer_ends_the_attempt_under_its_own_name(
    bench: Bench, sandbox: Running, fault: dict[str, Any], cause: str, hold: str | None
) -> None:
    sandbox.control.fault(DOMAIN, **fault)

    outcome = bench.run()

    state, attempt = bench.state(), bench.attempt()
    assert outcome is Outcome.FAILED
    assert (state.status, state.hold, attempt.error_class) == ("FAILED", hold, cause)
    assert (state.due_at is not None) or hold is not None


def test_a_failure_says_what_was_asked_for(bench: Bench, sandbox: Running) -> None:
    sandbox.control.fault(DOMAIN, "400", operation="Customers")

    bench.run()

    attempt = bench.attempt()
    assert attempt.error_message == "Shopify answered 400 on customers, page 1"
    assert (attempt.http_status, bool(attempt.request_id)) == (400, True)
    assert attempt.progress["products"]["ended"]


@pytest.mark.parametrize("kind", ["500", "503", "429", "reset", "half", "badjson", "internal", "throttled"])
def test_a_fault_that_passes_is_not_seen_by_the_attempt(bench: Bench, sandbox: Running, kind: str) -> None:
    sandbox.control.fault(DOMAIN, kind, times=1, operation="Products", retry_after=0.01)

    outcome = bench.run()

    assert outcome is Outcome.COMPLETED
    assert bench.count(Product) == 40


@pytest.mark.parametrize(("kind", "then"), [("504", [31, 34]), ("maxcost", [31, 31])])
def test_a_page_that_was_too_much_is_asked_again_smaller(
    bench: Bench, sandbox: Running, kind: str, then: list[int]
) -> None:
    sandbox.control.fault(DOMAIN, kind, times=3, operation="^Products")

    bench.run()

    sizes = [line.get("first") for line in sandbox.control.log(DOMAIN, operation="Products")]
    assert sizes[3:] == then
    assert bench.count(Product) == 40


def test_a_resource_without_its_scope_is_left_out_with_the_reason(bench: Bench, sandbox: Running) -> None:
    sandbox.control.rescope(DOMAIN, ["read_products", "read_orders"])

    outcome = bench.run()

    assert outcome is Outcome.COMPLETED
    assert bench.attempt().progress["customers"]["skipped"] == "the scope read_customers is missing"
    assert bench.state().held["customers"]["skipped"] == "the scope read_customers is missing"
    assert (bench.count(Customer), bench.count(Order)) == (0, 15)


def test_a_resource_that_shopify_denies_is_left_out_and_tried_in_full_next_time(bench: Bench, sandbox: Running) -> None:
    sandbox.control.fault(DOMAIN, "denied", field="orders")
    bench.run()
    sandbox.control.heal(DOMAIN)

    bench.run()

    assert bench.count(Order) == 15
    assert bench.attempt().progress["orders"] == {"done": 15, "total": 15, "skipped": None, "ended": True}


def test_an_access_token_that_shopify_refuses_is_refreshed_once(bench: Bench, sandbox: Running) -> None:
    sandbox.control.revoke(DOMAIN, refresh=False)

    outcome = bench.run()

    assert outcome is Outcome.COMPLETED
    assert bench.state().token_version == 2


def test_an_access_token_near_its_end_is_refreshed_before_the_first_page(bench: Bench) -> None:
    bench.clock.advance(minutes=51)

    bench.run()

    with bench.tools.database.read() as session:
        credential = credentials.load(session, bench.shop_id, bench.tools.vault)
    assert credential is not None
    assert credential.version == 2
    assert credential.pair.expires_at == bench.clock() + timedelta(hours=1)


def test_a_hold_is_judged_by_the_token_that_was_refreshed(bench: Bench, sandbox: Running) -> None:
    sandbox.control.revoke(DOMAIN, refresh=False)
    sandbox.control.fault(DOMAIN, "402", operation="^Products")

    bench.run()

    assert bench.state().token_version == 2
    assert bench.state().hold == "frozen"


def test_an_authorisation_during_a_refresh_wins(bench: Bench, sandbox: Running) -> None:
    bench.clock.advance(minutes=51)

    with _authorising_during_refresh(bench, sandbox) as tools:
        outcome = bench.run(tools=tools)

    with bench.tools.database.read() as session:
        credential = credentials.load(session, bench.shop_id, bench.tools.vault)
    assert outcome is Outcome.COMPLETED
    assert credential is not None
    assert (credential.version, credential.pair.scopes) == (2, "of the authorisation")


def test_a_wait_with_a_known_end_counts_as_progress_until_then(bench: Bench, sandbox: Running) -> None:
    sandbox.control.fault(DOMAIN, "429", retry_after=30, times=1, operation="^Orders")
    claim = bench.claim()
    pulse = Pulse(claim.claimed_at)

    run(claim, bench.tools, pulse=pulse, stopping=bench.stopping)

    assert pulse.progressed_at >= claim.claimed_at + timedelta(seconds=30)


def test_a_lost_answer_to_a_refresh_is_asked_for_again(bench: Bench, sandbox: Running) -> None:
    sandbox.control.revoke(DOMAIN, refresh=False)
    sandbox.control.fault(DOMAIN, "lost", times=1, operation="oauth")

    outcome = bench.run()

    assert outcome is Outcome.COMPLETED


def test_a_shop_whose_refresh_token_is_refused_must_be_authorised_again(bench: Bench, sandbox: Running) -> None:
    sandbox.control.revoke(DOMAIN)

    outcome = bench.run()

    state = bench.state()
    assert outcome is Outcome.FAILED
    assert (state.status, state.hold, state.due_at) == ("FAILED", "reauthorise", None)


def test_everything_reads_all_again(bench: Bench, sandbox: Running) -> None:
    bench.run()
    bench.clock.advance(days=1)

    bench.run(bench.claim(mode=Mode.EVERYTHING))

    assert bench.attempt().progress["products"]["done"] == 40
    assert bench.count(Product) == 40


def test_nested_connections_are_read_to_their_end(bench: Bench, sandbox: Running) -> None:
    sandbox.control.put_shop(DOMAIN, products=2, variants=230, customers=0, orders=0, keep=True)

    bench.run()

    assert bench.count(Variant) == 460


def test_nothing_of_a_person_or_a_token_is_logged(
    bench: Bench, sandbox: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    emails = [row["email"] for row in sandbox.control.rows(DOMAIN, "customers") if row.get("email")]

    bench.run()

    printed = capsys.readouterr().out
    assert "sync.page" in printed
    assert emails
    assert not [email for email in emails if email in printed]
    assert "shpat_" not in printed


@contextmanager
def _hearing(tools: Tools, words: str, act: Callable[[], None]) -> Iterator[Tools]:
    """The same tools; `act` is called when a document with these words is sent."""

    def hear(request: httpx.Request) -> None:
        if words in request.content.decode():
            act()

    with httpx.Client(timeout=30, event_hooks={"request": [hear]}) as http:
        yield replace(tools, http=http)


def _die() -> None:
    raise Killed


@contextmanager
def _authorising_during_refresh(bench: Bench, sandbox: Running) -> Iterator[Tools]:
    """The same tools; while a refresh is answered, the merchant authorises the app again."""

    def authorise(response: httpx.Response) -> None:
        if response.request.url.path.endswith("/admin/oauth/access_token"):
            pair = TokenPair(sandbox.control.mint(DOMAIN)["access_token"], scopes="of the authorisation")
            with bench.tools.database.write() as session:
                credentials.store(session, bench.shop_id, pair, now=bench.clock(), vault=bench.tools.vault)

    with httpx.Client(timeout=30, event_hooks={"response": [authorise]}) as http:
        yield replace(bench.tools, http=http)
