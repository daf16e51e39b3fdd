"""Tokens that end, are refused, or are replaced while a shop is synced, on each database."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from sync_core import credentials, install, lifecycle
from sync_core.app_models import Product
from sync_core.credentials import Credential, TokenPair
from sync_core.runner import Tools
from sync_core.sandbox.running import Running
from sync_core.states import Outcome
from tests.runs import refresher
from tests.runs.conftest import ALL_SCOPES, DOMAIN, Bench

PROCESSES = 8
TOKEN_ENDPOINT = "/admin/oauth/access_token"


class Killed(BaseException):
    """The process dies here: nothing of it is booked."""


class Altered(httpx.HTTPTransport):
    """The network, with each answer of the token endpoint changed by a test."""

    def __init__(self, change: Callable[[httpx.Response], httpx.Response]) -> None:
        super().__init__()
        self._change = change

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        return self._change(response) if request.url.path.endswith(TOKEN_ENDPOINT) else response


@contextmanager
def altered(tools: Tools, change: Callable[[httpx.Response], httpx.Response]) -> Iterator[Tools]:
    with httpx.Client(timeout=30, transport=Altered(change)) as http:
        yield replace(tools, http=http)


@contextmanager
def hearing(tools: Tools, act: Callable[[httpx.Request], None]) -> Iterator[Tools]:
    """The same tools; `act` is called before each request to Shopify."""
    with httpx.Client(timeout=30, event_hooks={"request": [act]}) as http:
        yield replace(tools, http=http)


def passing(bench: Bench, **span: float) -> Callable[[httpx.Request], None]:
    """Each request to Shopify takes so long."""

    def take(_: httpx.Request) -> None:
        bench.clock.advance(**span)

    return take


def stored(bench: Bench) -> Credential:
    with bench.tools.database.read() as session:
        found = credentials.load(session, bench.shop_id, bench.tools.vault)
    assert found is not None
    return found


def store(bench: Bench, pair: TokenPair) -> None:
    with bench.tools.database.write() as session:
        credentials.store(session, bench.shop_id, pair, now=bench.clock(), vault=bench.tools.vault)


def refreshes(sandbox: Running) -> list[Any]:
    """What the token endpoint was asked, the faults included."""
    return [line for line in sandbox.control.log(DOMAIN) if line["operation"] == "oauth"]


def statuses(sandbox: Running) -> set[Any]:
    return {line["status"] for line in sandbox.control.log(DOMAIN)}


@pytest.fixture
def long_shop(sandbox: Running) -> None:
    """A shop of a dozen pages."""
    sandbox.control.put_shop(DOMAIN, products=1_600, variants=1, customers=300, orders=300, keep=True)
    sandbox.control.forget_log()


def test_a_sync_of_90_minutes_outlives_its_tokens_of_60(bench: Bench, sandbox: Running, long_shop: None) -> None:
    begun = bench.clock()

    with hearing(bench.tools, passing(bench, minutes=7)) as slow:
        outcome = bench.run(tools=slow)

    assert outcome is Outcome.COMPLETED
    assert bench.clock() - begun > timedelta(minutes=90)
    assert bench.count(Product) == 1_600
    assert stored(bench).version == 2
    assert statuses(sandbox) == {200}


def test_a_bulk_sync_outlives_its_tokens_too(bench: Bench, sandbox: Running) -> None:
    sandbox.control.put_shop(DOMAIN, products=320, variants=1, customers=260, orders=255)
    by_bulk = replace(bench.tools, settings=bench.tools.settings.model_copy(update={"bulk_objects": 1}))
    begun = bench.clock()

    with hearing(by_bulk, passing(bench, minutes=9)) as slow:
        outcome = bench.run(tools=slow)

    assert outcome is Outcome.COMPLETED
    assert bench.clock() - begun > timedelta(minutes=90)
    assert bench.count(Product) == 320
    assert sandbox.control.log(DOMAIN, operation="Products") == []
    assert stored(bench).version > 1


def test_a_token_that_ends_between_two_looks_is_refreshed_by_its_401(
    bench: Bench, sandbox: Running, long_shop: None
) -> None:
    with hearing(bench.tools, passing(bench, minutes=24)) as slow:
        outcome = bench.run(tools=slow)

    assert outcome is Outcome.COMPLETED
    assert bench.count(Product) == 1_600
    assert 401 in statuses(sandbox)


def test_eight_processes_that_refresh_at_once_make_one_refresh(bench: Bench, sandbox: Running) -> None:
    sandbox.control.fault(DOMAIN, "slow", seconds=0.5, operation="oauth")
    spawn = multiprocessing.get_context("spawn")
    shown = {name: getattr(bench.tools.settings, name) for name in ("database_url", "shopify_api_key")}
    shown["shopify_base_url"] = bench.tools.settings.shopify_base_url
    for name in ("shopify_api_secret", "token_keys"):
        shown[name] = getattr(bench.tools.settings, name).get_secret_value()

    with spawn.Pool(PROCESSES, refresher.wait_at, (spawn.Barrier(PROCESSES),)) as pool:
        asked = [pool.apply_async(refresher.refresh, (bench.shop_id, DOMAIN, shown)) for _ in range(PROCESSES)]
        found = [each.get(100) for each in asked]

    assert len(refreshes(sandbox)) == 1
    assert set(found) == {(2, stored(bench).pair.access_token)}


def test_answers_lost_for_good_fail_the_attempt_and_the_next_one_refreshes(bench: Bench, sandbox: Running) -> None:
    sandbox.control.revoke(DOMAIN, refresh=False)
    sandbox.control.fault(DOMAIN, "lost", operation="oauth")
    bench.run()
    lost = bench.state()
    sandbox.control.heal(DOMAIN)

    outcome = bench.run()

    assert (lost.status, lost.hold, lost.error_class, lost.token_version) == ("FAILED", None, "unavailable", 1)
    assert outcome is Outcome.COMPLETED


def test_a_run_killed_between_answer_and_storing_loses_nothing(bench: Bench, sandbox: Running) -> None:
    sandbox.control.revoke(DOMAIN, refresh=False)
    killed = bench.claim()

    def die(_: httpx.Response) -> httpx.Response:
        raise Killed

    with altered(bench.tools, die) as dying, pytest.raises(Killed):
        bench.run(killed, tools=dying)
    bench.clock.advance(seconds=61)
    with bench.tools.database.write() as session:
        own: dict[str, Any] = {"now": bench.clock(), "settings": bench.tools.settings}
        again = lifecycle.claim_shop(session, bench.shop_id, owner="other", **own)

    assert bench.run(again) is Outcome.COMPLETED
    assert [line["status"] for line in refreshes(sandbox)] == [200, 200]


def test_without_an_answer_the_pages_go_on_while_the_token_lives(bench: Bench, sandbox: Running) -> None:
    sandbox.control.fault(DOMAIN, "520", operation="oauth")
    bench.clock.advance(minutes=51)

    with hearing(bench.tools, passing(bench, seconds=1)) as tools:
        outcome = bench.run(tools=tools)

    assert outcome is Outcome.COMPLETED
    assert len(refreshes(sandbox)) == 1
    assert stored(bench).version == 1


def test_520_on_the_refresh_of_a_dead_token_is_tried_again_and_holds_nothing(bench: Bench, sandbox: Running) -> None:
    sandbox.control.fault(DOMAIN, "520", operation="oauth")
    bench.clock.advance(minutes=61)

    bench.run()

    state = bench.state()
    assert (state.status, state.hold, state.error_class) == ("FAILED", None, "unavailable")
    assert state.due_at is not None


def test_520_that_passes_is_not_seen_by_the_attempt(bench: Bench, sandbox: Running) -> None:
    sandbox.control.fault(DOMAIN, "520", times=3, operation="oauth")
    bench.clock.advance(minutes=61)

    assert bench.run() is Outcome.COMPLETED
    assert stored(bench).version == 2


@pytest.mark.parametrize("lifetime", [None, "soon", -1, 0])
def test_a_refresh_answer_without_a_lifetime_is_used_until_its_401(
    bench: Bench, sandbox: Running, lifetime: Any
) -> None:
    def untold(response: httpx.Response) -> httpx.Response:
        response.read()
        return httpx.Response(200, json={**response.json(), "expires_in": lifetime})

    bench.clock.advance(minutes=61)
    with altered(bench.tools, untold) as tools:
        first = bench.run(tools=tools)
    told = stored(bench)
    bench.clock.advance(minutes=61)

    second = bench.run()

    assert (first, second) == (Outcome.COMPLETED, Outcome.COMPLETED)
    assert (told.version, told.pair.expires_at, stored(bench).version) == (2, None, 3)


def test_a_reinstall_while_a_refresh_is_answered_wins(bench: Bench, sandbox: Running) -> None:
    bench.clock.advance(minutes=61)

    def reinstall(response: httpx.Response) -> httpx.Response:
        _uninstall(bench)
        _install(bench, sandbox)
        return response

    with altered(bench.tools, reinstall) as tools:
        outcome = bench.run(tools=tools)

    state = bench.state()
    assert outcome is None
    assert (state.status, state.hold, state.generation) == ("PENDING", None, 2)
    assert bench.run() is Outcome.COMPLETED


def test_an_uninstall_told_after_the_reinstall_leaves_the_new_token_alone(bench: Bench, sandbox: Running) -> None:
    removed = bench.clock.advance(minutes=1)
    sandbox.control.uninstall(DOMAIN, webhook=False)
    bench.run()
    bench.clock.advance(minutes=1)
    _install(bench, sandbox)

    obeyed = _uninstall(bench, triggered_at=removed)

    assert not obeyed
    assert bench.run() is Outcome.COMPLETED


def test_a_refusal_of_an_old_token_does_not_hold_a_fresh_one(bench: Bench, sandbox: Running) -> None:
    sandbox.control.revoke(DOMAIN)

    def authorise(response: httpx.Response) -> httpx.Response:
        store(bench, TokenPair(sandbox.control.mint(DOMAIN)["access_token"]))
        return response

    with altered(bench.tools, authorise) as tools:
        outcome = bench.run(tools=tools)

    assert outcome is Outcome.COMPLETED
    assert bench.state().hold is None


@pytest.fixture
def lasting(bench: Bench, sandbox: Running) -> str:
    """The shop's token never expires, as an app of old asked for it."""
    token = str(sandbox.control.mint(DOMAIN, scopes=ALL_SCOPES, expiring=False)["access_token"])
    store(bench, TokenPair(token))
    sandbox.control.forget_log()
    return token


def test_a_lasting_token_that_shopify_refuses_is_exchanged_for_a_pair(
    bench: Bench, sandbox: Running, lasting: str
) -> None:
    outcome = bench.run()

    pair = stored(bench).pair
    assert outcome is Outcome.COMPLETED
    assert (stored(bench).version, pair.expires_at) == (3, bench.clock() + timedelta(hours=1))
    assert (pair.access_token != lasting, pair.refresh_token is None) == (True, False)


def test_a_lost_answer_to_the_exchange_is_asked_for_again(bench: Bench, sandbox: Running, lasting: str) -> None:
    sandbox.control.fault(DOMAIN, "lost", times=1, operation="oauth")

    assert bench.run() is Outcome.COMPLETED


def test_an_exchange_whose_answer_was_lost_with_the_process_is_repeated(
    bench: Bench, sandbox: Running, lasting: str
) -> None:
    sandbox.control.fault(DOMAIN, "lost", operation="oauth")
    bench.run()
    sandbox.control.heal(DOMAIN)

    assert bench.run() is Outcome.COMPLETED
    assert 401 in statuses(sandbox)


def test_a_lasting_token_that_cannot_be_exchanged_needs_the_merchant(
    bench: Bench, sandbox: Running, lasting: str
) -> None:
    sandbox.control.revoke(DOMAIN)

    bench.run()

    assert (bench.state().status, bench.state().hold) == ("FAILED", "reauthorise")


def test_without_the_apps_credentials_a_refused_lasting_token_needs_the_merchant(bench: Bench, lasting: str) -> None:
    settings = bench.tools.settings.model_copy(update={"shopify_api_secret": None})

    bench.run(tools=replace(bench.tools, settings=settings))

    assert (bench.state().status, bench.state().hold) == ("FAILED", "reauthorise")


def _uninstall(bench: Bench, **when: Any) -> bool:
    moment = bench.clock.advance(seconds=1)
    own: dict[str, Any] = {"settings": bench.tools.settings, "vault": bench.tools.vault, "now": moment}
    with bench.tools.database.write() as session:
        return install.uninstall(session, domain=DOMAIN, **{"triggered_at": moment, **when}, **own)


def _install(bench: Bench, sandbox: Running) -> None:
    minted = sandbox.control.mint(DOMAIN, scopes=ALL_SCOPES)
    pair = TokenPair(minted["access_token"], minted["refresh_token"], bench.clock() + timedelta(hours=1))
    own: dict[str, Any] = {"settings": bench.tools.settings, "vault": bench.tools.vault}
    with bench.tools.database.write() as session:
        install.register(session, domain=DOMAIN, pair=pair, authorised_at=bench.clock(), now=bench.clock(), **own)
