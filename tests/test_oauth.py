"""The authorise page's address, Shopify's signature of a query, the exchange of a code."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from sync_core.config import Settings
from sync_core.errors import BadInput, BadSetting, Refused, ShopifyError, Unavailable
from sync_core.shopify import oauth
from tests.conftest import MakeSettings

DOMAIN = "atelier-moreau.myshopify.com"
MARKER = "shpat_marker"
QUERY = {
    "code": "0907a61c0c8d55e99db179b68161bc00",
    "hmac": "700e2dadb827fcc8609e9d5ce208b2e9cdaab9df07390d2cbca10d7c328fc4bf",
    "shop": "some-shop.myshopify.com",
    "state": "0.6784241404160823",
    "timestamp": "1337178173",
}
"""The worked example of Shopify's page "Verify the installation request", signed with `hush`."""

GRANT = {
    "access_token": MARKER,
    "refresh_token": "shprt_marker",
    "expires_in": 3600,
    "refresh_token_expires_in": 7_776_000,
    "scope": "read_products",
}


def asked_with(
    settings: Settings, status: int = 200, answer: Any = None, **more: Any
) -> tuple[oauth.Grant, httpx.Request]:
    requests: list[httpx.Request] = []

    def shopify(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(status, **({"json": GRANT if answer is None else answer} | more))

    with httpx.Client(transport=httpx.MockTransport(shopify)) as http:
        return oauth.exchange(DOMAIN, "code-1", settings=settings, http=http), requests[0]


def test_shopifys_own_example_is_signed() -> None:
    assert oauth.is_signed(QUERY, ["hush"])


@pytest.mark.parametrize(
    "change",
    [{"shop": "other.myshopify.com"}, {"code": "x"}, {"extra": "1"}, {"hmac": ""}, {"hmac": "ä"}, {"timestamp": "1"}],
)
def test_a_changed_query_is_not_signed(change: dict[str, str]) -> None:
    assert not oauth.is_signed({**QUERY, **change}, ["hush"])


def test_the_old_secret_signs_too() -> None:
    assert oauth.is_signed(QUERY, ["new", "hush"])


def test_no_secret_signs_nothing() -> None:
    assert not oauth.is_signed(QUERY, [])


def test_the_word_signature_is_no_part_of_what_is_signed() -> None:
    assert oauth.is_signed({**QUERY, "signature": "x"}, ["hush"])


@pytest.mark.parametrize(
    ("seconds", "timely"), [(-91, False), (-90, True), (-89, True), (89, True), (90, True), (91, False)]
)
def test_a_timestamp_may_be_90_seconds_away(seconds: int, timely: bool) -> None:
    now = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)

    assert oauth.is_timely({"timestamp": str(int(now.timestamp()) + seconds)}, now) is timely


@pytest.mark.parametrize("stamp", ["", "now", "1e9", "-1", "²", "9" * 400, "1337178173.0"])
def test_a_timestamp_that_is_no_number_is_not_timely(stamp: str) -> None:
    assert not oauth.is_timely({"timestamp": stamp}, datetime(2026, 11, 2, tzinfo=UTC))


def test_the_merchant_is_sent_to_the_shops_own_host(make_settings: MakeSettings) -> None:
    settings = make_settings(shopify_base_url="https://{shop}", shopify_scopes="read_products,read_orders")

    url = urlsplit(oauth.authorise_url(DOMAIN, state="s1", settings=settings))

    assert (url.scheme, url.netloc, url.path) == ("https", DOMAIN, "/admin/oauth/authorize")
    assert parse_qs(url.query) == {
        "client_id": ["test-key"],
        "scope": ["read_products,read_orders"],
        "redirect_uri": ["http://127.0.0.1:8501/auth/callback"],
        "state": ["s1"],
    }


def test_a_code_is_exchanged_for_an_expiring_pair(settings: Settings) -> None:
    grant, request = asked_with(settings)

    assert request.url.path == f"/{DOMAIN}/admin/oauth/access_token"
    assert json.loads(request.content) == {
        "client_id": "test-key",
        "client_secret": "test-secret",
        "code": "code-1",
        "expiring": "1",
    }
    assert grant == oauth.Grant(MARKER, "shprt_marker", 3600, 7_776_000, "read_products")


def test_a_token_that_does_not_expire_has_no_refresh_token(settings: Settings) -> None:
    grant, _ = asked_with(settings, answer={"access_token": MARKER, "scope": ""})

    assert grant == oauth.Grant(MARKER, None, None, None, "")


@pytest.mark.parametrize(
    ("status", "error"),
    [(302, Unavailable), (400, Refused), (401, Refused), (404, Refused), (429, Unavailable), (503, Unavailable)],
)
def test_another_status_is_no_grant(settings: Settings, status: int, error: type[ShopifyError]) -> None:
    with pytest.raises(error) as caught:
        asked_with(settings, status, headers={"location": "https://evil.example", "x-request-id": "r1"})

    assert type(caught.value) is error
    assert (caught.value.status, caught.value.request_id) == (status, "r1")


@pytest.mark.parametrize(
    "answer",
    [
        [],
        "x",
        {},
        {"access_token": ""},
        {"access_token": 1},
        {**GRANT, "refresh_token": 5},
        {**GRANT, "expires_in": []},
    ],
)
def test_an_answer_without_a_token_is_no_grant(settings: Settings, answer: Any) -> None:
    with pytest.raises(Unavailable):
        asked_with(settings, answer=answer)


def test_half_an_answer_is_no_grant(settings: Settings) -> None:
    with pytest.raises(Unavailable):
        asked_with(settings, content=b'{"access_tok', json=None)


def test_nobody_answering_is_told_without_the_code(settings: Settings) -> None:
    def nobody(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectTimeout("slow", request=request)

    with httpx.Client(transport=httpx.MockTransport(nobody)) as http, pytest.raises(Unavailable) as caught:
        oauth.exchange(DOMAIN, "code-1", settings=settings, http=http)

    assert str(caught.value) == "the code exchange got no answer: ConnectTimeout"


def test_the_client_secret_goes_to_no_other_host(settings: Settings) -> None:
    with httpx.Client() as http, pytest.raises(BadInput):
        oauth.exchange("evil.example", "code-1", settings=settings, http=http)


@pytest.mark.parametrize("unset", ["shopify_api_key", "shopify_api_secret"])
def test_unset_credentials_are_named(make_settings: MakeSettings, unset: str) -> None:
    with pytest.raises(BadSetting, match=f"{unset.upper()} not configured"):
        asked_with(make_settings(**{unset: None}))


def test_a_grant_shows_no_token() -> None:
    assert "marker" not in repr(oauth.Grant(MARKER, "shprt_marker", None, None, ""))
