"""Refreshing a token, over a transport that answers what a test says."""

from __future__ import annotations

import httpx
import orjson
import pytest

from sync_core.config import Settings
from sync_core.errors import BadSetting, Held, ShopifyError, Throttled, Unavailable, UnknownApp
from sync_core.shopify.tokens import Refreshed, refresh
from sync_core.states import Hold
from tests.conftest import MakeSettings

PAIR = {
    "access_token": "shpat_next",
    "scope": "read_products",
    "expires_in": 3600,
    "refresh_token": "shprt_next",
    "refresh_token_expires_in": 7_776_000,
}


def ask(settings: Settings, answer: httpx.Response, seen: list[httpx.Request] | None = None) -> Refreshed:
    def handle(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        return answer

    with httpx.Client(transport=httpx.MockTransport(handle)) as http:
        return refresh("oak.myshopify.com", "shprt_now", settings=settings, http=http)


def test_a_refresh_asks_the_shop_itself_and_returns_the_next_pair(make_settings: MakeSettings) -> None:
    seen: list[httpx.Request] = []

    pair = ask(make_settings(shopify_base_url="https://{shop}"), httpx.Response(200, json=PAIR), seen)

    assert pair == Refreshed("shpat_next", "shprt_next", 3600, 7_776_000, "read_products")
    assert str(seen[0].url) == "https://oak.myshopify.com/admin/oauth/access_token"
    assert orjson.loads(seen[0].content) == {
        "client_id": "test-key",
        "client_secret": "test-secret",
        "grant_type": "refresh_token",
        "refresh_token": "shprt_now",
    }


def test_an_answer_without_lifetimes_is_still_a_pair(settings: Settings) -> None:
    pair = ask(settings, httpx.Response(200, json={"access_token": "shpat_next"}))

    assert (pair.refresh_token, pair.expires_in) == (None, None)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refused_refresh_token_needs_the_merchant(settings: Settings, status: int) -> None:
    with pytest.raises(Held) as caught:
        ask(settings, httpx.Response(status, json={"error": "invalid_grant"}))

    assert caught.value.hold is Hold.REAUTHORISE


def test_a_refusal_of_our_own_credentials_says_so(settings: Settings) -> None:
    with pytest.raises(UnknownApp, match="uninstalled, or SHOPIFY_API_SECRET is wrong"):
        ask(settings, httpx.Response(401, json={"error": "invalid_client"}))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(520), Unavailable),
        (httpx.Response(429), Throttled),
        (httpx.Response(200, content=b"<html>"), Unavailable),
        (httpx.Response(200, json={}), Unavailable),
        (httpx.Response(200, json=[]), Unavailable),
    ],
)
def test_no_good_answer_may_be_asked_for_again(
    settings: Settings, answer: httpx.Response, kind: type[ShopifyError]
) -> None:
    with pytest.raises(kind):
        ask(settings, answer)


def test_without_the_apps_credentials_nothing_is_asked(make_settings: MakeSettings) -> None:
    with pytest.raises(BadSetting, match="SHOPIFY_API_KEY"):
        ask(make_settings(shopify_api_key=None), httpx.Response(200, json=PAIR))


def test_a_pair_does_not_show_its_tokens(settings: Settings) -> None:
    pair = ask(settings, httpx.Response(200, json=PAIR))

    assert "shp" not in repr(pair)
