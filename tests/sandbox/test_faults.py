"""Every way of failing, as often and as late as it was set."""

from __future__ import annotations

import time

import httpx
import pytest

from sync_core.sandbox.faults import Fault, Faults
from tests.sandbox.app import DOMAIN, App

QUERY = "query Named { shop { id } }"


@pytest.mark.parametrize("status", [401, 402, 403, 404, 423, 429, 430, 500, 502, 503, 504])
def test_a_status_is_answered_once_and_then_the_shop_is_well(app: App, status: int) -> None:
    app.control.fault(DOMAIN, status, times=1)

    answers = [app.post(QUERY).status_code, app.post(QUERY).status_code]

    assert answers == [status, 200]


def test_a_frozen_shop_says_so_in_shopifys_words(app: App) -> None:
    app.control.fault(DOMAIN, 402)

    assert app.post(QUERY).json() == {"errors": "Unavailable Shop"}


@pytest.mark.parametrize("seconds", [2.0, 0.25])
def test_429_says_how_long_to_wait(app: App, seconds: float) -> None:
    app.control.fault(DOMAIN, 429, retry_after=seconds)

    assert float(app.post(QUERY).headers["Retry-After"]) == seconds


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("throttled", "THROTTLED"),
        ("maxcost", "MAX_COST_EXCEEDED"),
        ("inactive", "SHOP_INACTIVE"),
        ("internal", "INTERNAL_SERVER_ERROR"),
    ],
)
def test_errors_inside_a_200_carry_their_code(app: App, kind: str, code: str) -> None:
    app.control.fault(DOMAIN, kind)

    answer = app.post(QUERY)

    assert answer.status_code == 200
    assert answer.json()["errors"][0]["extensions"]["code"] == code
    assert "data" not in answer.json()


def test_access_may_be_denied_for_one_resource(app: App) -> None:
    app.control.fault(DOMAIN, "denied", field="orders", operation="^Orders")

    denied = app.ask("query OrdersPage { orders(first: 1) { nodes { id } } }")

    assert denied["errors"][0]["path"] == ["orders"]
    assert "data" in app.ask(QUERY)
    assert "errors" not in app.ask(QUERY)


def test_a_reset_closes_without_an_answer(app: App) -> None:
    app.control.fault(DOMAIN, "reset", times=1)

    with pytest.raises(httpx.TransportError):
        app.post(QUERY)

    assert app.post(QUERY).status_code == 200


def test_half_a_body_ends_too_soon(app: App) -> None:
    app.control.fault(DOMAIN, "half", times=1)

    with pytest.raises(httpx.RemoteProtocolError):
        app.post(QUERY)

    assert app.post(QUERY).status_code == 200


def test_bad_json_is_a_200_that_does_not_parse(app: App) -> None:
    app.control.fault(DOMAIN, "badjson")

    answer = app.post(QUERY)

    assert answer.status_code == 200
    with pytest.raises(ValueError, match="Expecting"):
        answer.json()


def test_a_slow_answer_is_late_and_right(app: App) -> None:
    app.control.fault(DOMAIN, "slow", seconds=0.05)
    before = time.monotonic()

    answer = app.ask(QUERY)

    assert time.monotonic() - before >= 0.05
    assert "data" in answer


def test_a_lost_refresh_has_happened_all_the_same(app: App) -> None:
    app.control.fault(DOMAIN, "lost", times=1, operation="oauth")
    refresh = app.grant["refresh_token"]

    with pytest.raises(httpx.TransportError):
        app.exchange(grant_type="refresh_token", refresh_token=refresh)

    assert app.exchange(grant_type="refresh_token", refresh_token=refresh).status_code == 200


def test_the_token_endpoint_fails_only_when_named(app: App) -> None:
    app.control.fault(DOMAIN, 500)
    untouched = app.exchange(grant_type="refresh_token", refresh_token=app.grant["refresh_token"]).status_code
    app.control.fault(DOMAIN, 520, operation="oauth")

    named = app.exchange(grant_type="refresh_token", refresh_token=app.grant["refresh_token"]).status_code

    assert (untouched, named) == (200, 520)


@pytest.mark.parametrize(("after", "times", "fired"), [(0, 1, "x..."), (1, 2, ".xx."), (3, 1, "...x"), (4, 1, "....")])
def test_a_fault_begins_after_and_ends_in_time(after: int, times: int, fired: str) -> None:
    faults = Faults(1)
    faults.put([{"kind": "500", "after": after, "times": times}])

    seen = "".join("." if faults.pick("Any") is None else "x" for _ in range(4))

    assert seen == fired


@pytest.mark.parametrize(("probability", "least", "most"), [(0.0, 0, 0), (0.5, 400, 600), (1.0, 1_000, 1_000)])
def test_a_fault_fires_with_its_probability(probability: float, least: int, most: int) -> None:
    faults = Faults(7)
    faults.put([{"kind": "500", "probability": probability}])

    assert least <= sum(faults.pick("Any") is not None for _ in range(1_000)) <= most


def test_only_the_operation_named_fails() -> None:
    faults = Faults(1)
    faults.put([{"kind": "500", "operation": "^Orders"}])

    assert faults.pick("ProductsPage") is None
    assert isinstance(faults.pick("OrdersPage"), Fault)


@pytest.mark.parametrize(
    "body", [{"kind": "999"}, {"kind": "explode"}, {"times": 1}, {"kind": "denied"}, {"kind": "500", "x": 1}]
)
def test_a_fault_that_makes_no_sense_is_refused(app: App, body: dict[str, object]) -> None:
    with pytest.raises(httpx.HTTPStatusError, match="400"):
        app.control.faults(DOMAIN, [body])


def test_removing_the_faults_heals(app: App) -> None:
    app.control.fault(DOMAIN, 500)

    app.control.heal(DOMAIN)

    assert app.post(QUERY).status_code == 200


def test_the_log_says_what_failed_and_why(app: App) -> None:
    app.control.fault(DOMAIN, 503, times=1)
    app.post(QUERY)
    app.ask("query Page { products(first: 7) { nodes { id } } }")

    failed, served = app.control.log(DOMAIN)[-2:]

    assert (failed["operation"], failed["status"], failed["fault"]) == ("Named", 503, "503")
    assert (served["operation"], served["first"], served["rows"], served["points"]) == ("Page", 7, 7, 5)
