"""Each kind of answer has one meaning."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from sync_core.errors import (
    AccessDenied,
    Held,
    NotFound,
    Refused,
    SecurityRejected,
    ShopifyError,
    Throttled,
    TooCostly,
    Unavailable,
)
from sync_core.shopify.answers import Cost, Reply, TooSlow, from_transport, read_reply
from sync_core.states import Hold

BUCKET = {"maximumAvailable": 2000.0, "currentlyAvailable": 40, "restoreRate": 100.0}
COST = {"requestedQueryCost": 140, "actualQueryCost": 60, "throttleStatus": BUCKET}


def read(status: int = 200, *, headers: dict[str, str] | None = None, **body: Any) -> Reply:
    return read_reply(httpx.Response(status, headers=headers, json=body), on_cost=lambda _cost: None)


def test_a_good_answer_gives_data_cost_and_request_id() -> None:
    reply = read(headers={"X-Request-Id": "r-1"}, data={"shop": {"name": "Oak"}}, extensions={"cost": COST})

    assert reply.data == {"shop": {"name": "Oak"}}
    assert reply.cost == Cost(requested=140, actual=60, available=40, maximum=2000, restore_rate=100)
    assert reply.request_id == "r-1"
    assert reply.bytes > 0


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, NotFound),
        (399, NotFound),
        (400, Refused),
        (403, AccessDenied),
        (404, NotFound),
        (406, Refused),
        (408, Unavailable),
        (409, Unavailable),
        (418, Refused),
        (422, Refused),
        (429, Throttled),
        (430, SecurityRejected),
        (499, Refused),
        (500, Unavailable),
        (501, Unavailable),
        (502, Unavailable),
        (503, Unavailable),
        (504, TooSlow),
        (520, Unavailable),
        (530, Unavailable),
        (540, Unavailable),
    ],
)
def test_each_status_is_one_type(status: int, kind: type[ShopifyError]) -> None:
    with pytest.raises(ShopifyError) as caught:
        read(status, headers={"X-Request-Id": "r-2"})

    assert type(caught.value) is kind
    assert (caught.value.status, caught.value.request_id) == (status, "r-2")
    assert str(caught.value).startswith(f"Shopify answered {status}")


@pytest.mark.parametrize(("status", "hold"), [(401, Hold.REAUTHORISE), (402, Hold.FROZEN), (423, Hold.LOCKED)])
def test_some_statuses_hold_the_shop(status: int, hold: Hold) -> None:
    with pytest.raises(Held) as caught:
        read(status)

    assert caught.value.hold is hold


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Unavailable Shop", "a scope or approval is missing"),
        (
            "[API] This action requires merchant approval for read_orders scope.",
            "the merchant's approval of the scope read_orders is missing",
        ),
        ("Access denied: write_products is required for Ada Diaz", "the scope write_products is missing"),
        (
            "This app is not approved to access the Order object. See the page on protected customer data",
            "the app is not approved for this protected customer data",
        ),
    ],
)
def test_a_403_says_which_scope_or_approval_is_missing_and_nothing_else(text: str, said: str) -> None:
    with pytest.raises(AccessDenied) as caught:
        read(403, errors=text)

    assert str(caught.value) == f"Shopify answered 403: {said}"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("Access denied for orders field. Required access: `read_orders` access scope.", "The scope read_orders is"),
        ("This app is not approved to use the email field.", "The app is not approved"),
        ("Access denied", "A scope or approval is missing"),
    ],
)
def test_a_denial_says_which_scope_or_approval_is_missing(message: str, said: str) -> None:
    with pytest.raises(AccessDenied) as caught:
        read(data=None, errors=[{"message": message, "extensions": {"code": "ACCESS_DENIED"}}])

    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        (["ACCESS_DENIED", "THROTTLED"], Throttled),
        (["ACCESS_DENIED", "INTERNAL_SERVER_ERROR"], Unavailable),
        (["MAX_COST_EXCEEDED", "THROTTLED"], Throttled),
        (["ACCESS_DENIED", "MAX_COST_EXCEEDED"], TooCostly),
        (["THROTTLED", "SHOP_INACTIVE"], Held),
        (["ACCESS_DENIED", None], AccessDenied),
    ],
)
def test_of_several_codes_the_one_that_decides_what_to_do_next_wins(
    codes: list[str | None], kind: type[ShopifyError]
) -> None:
    with pytest.raises(ShopifyError) as caught:
        read(data={"products": {}}, errors=[{"message": "", "extensions": {"code": code}} for code in codes])

    assert type(caught.value) is kind


@pytest.mark.parametrize("errors", [[None], ["text"], [{"extensions": "text"}], [{"extensions": {"code": []}}], {}, 7])
def test_errors_of_an_unknown_shape_are_refused_or_no_answer(errors: Any) -> None:
    with pytest.raises((Refused, Unavailable)):
        read(errors=errors)


def test_a_token_that_never_expires_must_be_replaced_by_the_merchant() -> None:
    text = "[API] Non-expiring access tokens are no longer accepted for the Admin API."

    with pytest.raises(Held) as caught:
        read(403, errors=text)

    assert caught.value.hold is Hold.REAUTHORISE
    assert "never expires" in str(caught.value)


@pytest.mark.parametrize(
    ("header", "seconds"), [("2.0", 2.0), ("0.5", 0.5), ("30", 30.0), ("soon", None), ("-1", None), ("nan", None)]
)
def test_retry_after_is_seconds_and_may_have_a_fraction(header: str, seconds: float | None) -> None:
    with pytest.raises(Throttled) as caught:
        read(429, headers={"Retry-After": header})

    assert caught.value.retry_after == seconds


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("THROTTLED", Throttled),
        ("MAX_COST_EXCEEDED", TooCostly),
        ("ACCESS_DENIED", AccessDenied),
        ("INTERNAL_SERVER_ERROR", Unavailable),
        ("TIMEOUT", TooSlow),
        ("SHOP_INACTIVE", Held),
        ("undefinedField", Refused),
    ],
)
def test_each_code_in_a_200_is_one_type(code: str, kind: type[ShopifyError]) -> None:
    with pytest.raises(ShopifyError) as caught:
        read(errors=[{"message": "of Shopify's", "extensions": {"code": code}}])

    assert type(caught.value) is kind
    assert "of Shopify's" not in str(caught.value)


def test_data_with_errors_beside_it_is_an_error() -> None:
    with pytest.raises(Unavailable):
        read(data={"products": {}}, errors=[{"extensions": {"code": "INTERNAL_SERVER_ERROR"}}])


def test_missing_approval_for_protected_data_is_a_denial() -> None:
    message = "This app is not approved to access the Order object."

    with pytest.raises(AccessDenied):
        read(data={"orders": None}, errors=[{"message": message}])


def test_errors_as_plain_text_are_refused() -> None:
    with pytest.raises(Refused):
        read(errors="Something")


def test_throttled_says_when_the_query_can_be_paid() -> None:
    told: list[Cost] = []
    body = {"errors": [{"extensions": {"code": "THROTTLED"}}], "extensions": {"cost": COST}}

    with pytest.raises(Throttled) as caught:
        read_reply(httpx.Response(200, json=body), on_cost=told.append)

    assert caught.value.retry_after == 1.0
    assert told[0].requested == 140


@pytest.mark.parametrize("content", [b"", b'{"data": {"shop"', b"<html>", b"[]", b"null", b'{"data": null}', b"{}"])
def test_half_a_body_is_not_an_answer(content: bytes) -> None:
    with pytest.raises(Unavailable):
        read_reply(httpx.Response(200, content=content), on_cost=lambda _cost: None)


@pytest.mark.parametrize(
    ("written", "read"),
    [(rb"a\u0000b", "ab"), (rb"\u0000\u0000", ""), (rb"\\u0000", r"\u0000"), (rb"\\\u0000", "\\")],
)
def test_a_nul_which_no_database_text_can_hold_is_left_out(written: bytes, read: str) -> None:
    body = b'{"data": {"title": "' + written + b'"}}'

    reply = read_reply(httpx.Response(200, content=body), on_cost=lambda _cost: None)

    assert reply.data["title"] == read


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ReadTimeout("x"), TooSlow),
        (httpx.ConnectTimeout("x"), Unavailable),
        (httpx.PoolTimeout("x"), Unavailable),
        (httpx.ConnectError("x"), Unavailable),
        (httpx.RemoteProtocolError("x"), Unavailable),
        (httpx.DecodingError("x"), Unavailable),
    ],
)
def test_no_whole_answer_is_unavailable(error: httpx.RequestError, kind: type[ShopifyError]) -> None:
    assert type(from_transport(error)) is kind
