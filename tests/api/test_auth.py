"""From a merchant's click to a PENDING shop, and everything that must not get there."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import insert, select

from dashboard.api.auth import UNCONFIRMED
from dashboard.api.desk import Desk
from sync_core import credentials
from sync_core.models import OAuthState, ShopSync
from sync_core.shopify import oauth
from tests.api.client import TestClient
from tests.api.conftest import DOMAIN, MARKER, OLD_SECRET, ORIGIN, REFRESH_MARKER, SECRET, Shopify, Shops, client_of
from tests.conftest import Clock, MakeSettings
from tests.test_domains import HOSTILE

USED_UP = {"error": "This install link is used up; open the install link again"}


def signed(desk: Desk, *, secret: str = SECRET, late: float = 0, **query: str) -> dict[str, str]:
    query = {"shop": DOMAIN, "timestamp": str(int(desk.clock().timestamp() - late)), **query}
    return {**query, "hmac": oauth.signature(query, secret)}


def begun(api: TestClient, domain: str = DOMAIN) -> str:
    """The state that an install of this shop begins with."""
    reply = api.get("/auth", params={"shop": domain})
    assert reply.status_code == 302
    return parse_qs(urlsplit(reply.headers["location"]).query)["state"][0]


def ended(api: TestClient, desk: Desk, state: str, **more: str) -> httpx.Response:
    return api.get("/auth/callback", params=signed(desk, state=state, code="code-1", **more))


def shop_rows(desk: Desk) -> list[ShopSync]:
    with desk.database.read() as session:
        return list(session.execute(select(ShopSync)).scalars())


def test_a_merchant_is_sent_to_shopify(api: TestClient, desk: Desk) -> None:
    reply = api.get("/auth", params={"shop": DOMAIN.upper()})

    url = urlsplit(reply.headers["location"])
    assert (reply.status_code, url.path) == (302, f"/{DOMAIN}/admin/oauth/authorize")


def test_only_the_states_digest_is_kept(api: TestClient, desk: Desk) -> None:
    state = begun(api)

    with desk.database.read() as session:
        kept = session.execute(select(OAuthState)).scalar_one()
    assert len(state) == 64
    assert state not in (kept.state, kept.shop_domain)
    assert kept.expires_at - kept.created_at == timedelta(minutes=10)


@pytest.mark.parametrize("path", ["/auth", "/auth/callback"])
@pytest.mark.parametrize("shop", HOSTILE)
def test_a_hostile_domain_is_refused(api: TestClient, shopify: Shopify, path: str, shop: str) -> None:
    reply = api.get(path, params={"shop": shop})

    assert (reply.status_code, reply.json()) == (400, {"error": "shop must be a domain like name.myshopify.com"})
    assert shopify.asked == []


@pytest.mark.parametrize("path", ["/auth", "/auth/callback"])
def test_a_parameter_given_twice_is_refused(api: TestClient, path: str) -> None:
    reply = api.get(f"{path}?shop={DOMAIN}&shop=other.myshopify.com")

    assert (reply.status_code, reply.json()) == (400, {"error": "shop is given twice"})


@pytest.mark.parametrize(("late", "status"), [(-91, 400), (-90, 302), (0, 302), (90, 302), (91, 400)])
def test_a_signed_entry_is_90_seconds_young(api: TestClient, desk: Desk, late: float, status: int) -> None:
    assert api.get("/auth", params=signed(desk, late=late)).status_code == status


def test_a_forged_entry_is_refused(api: TestClient, desk: Desk) -> None:
    reply = api.get("/auth", params={**signed(desk), "hmac": "0" * 64})

    assert (reply.status_code, reply.json()) == (400, {"error": "hmac is wrong"})


def test_an_install_ends_with_a_pending_shop_and_its_token(api: TestClient, desk: Desk) -> None:
    reply = ended(api, desk, begun(api))

    assert reply.status_code == 302
    assert reply.headers["location"] == f"/onboarding?shop={DOMAIN}&mode=oauth_complete"
    (shop,) = shop_rows(desk)
    assert (shop.shop_domain, shop.status, shop.hold) == (DOMAIN, "PENDING", None)
    with desk.database.read() as session:
        stored = credentials.load(session, shop.shop_id, desk.vault)
    assert stored is not None
    assert stored.pair == credentials.TokenPair(
        MARKER,
        REFRESH_MARKER,
        expires_at=desk.clock() + timedelta(seconds=3600),
        refresh_expires_at=desk.clock() + timedelta(days=90),
        scopes="read_products,read_orders",
    )


def test_the_old_secret_ends_an_install_while_rotating(api: TestClient, desk: Desk) -> None:
    query = signed(desk, secret=OLD_SECRET, state=begun(api), code="code-1")

    assert api.get("/auth/callback", params=query).status_code == 302


def test_the_authorisation_counts_from_before_the_exchange(
    api: TestClient, desk: Desk, shopify: Shopify, clock: Clock
) -> None:
    before = clock()
    shopify.meanwhile = lambda: clock.advance(seconds=7)

    ended(api, desk, begun(api))

    (shop,) = shop_rows(desk)
    assert (shop.authorised_at, shop.installed_at) == (before, before + timedelta(seconds=7))


def test_the_callback_signs_the_browser_in(api: TestClient, desk: Desk) -> None:
    cookie = ended(api, desk, begun(api)).headers["set-cookie"]

    assert cookie.startswith("shopsync_shop=")
    assert {part.strip().lower() for part in cookie.split(";")[1:]} == {
        "httponly",
        "max-age=86400",
        "path=/api/sync",
        "samesite=strict",
    }
    assert api.post("/api/sync", headers=ORIGIN).status_code == 202


def test_the_cookie_is_secure_under_https(desk: Desk, make_settings: MakeSettings, shopify: Shopify) -> None:
    public = make_settings(database_url=desk.settings.database_url, app_url="https://sync.example.com", auth="oidc")
    desk = Desk(public, desk.database, desk.vault, desk.http, desk.clock)
    api = client_of(desk)

    reply = ended(api, desk, begun(api))

    assert "secure" in {part.strip().lower() for part in reply.headers["set-cookie"].split(";")}


def test_the_cookie_is_no_webhook_signature(api: TestClient, desk: Desk) -> None:
    ended(api, desk, begun(api))
    said, _, given = api.cookies["shopsync_shop"].strip(chr(34)).partition(".")
    as_shopify_writes_it = b64encode(bytes.fromhex(given)).decode()

    reply = api.post("/webhooks/shopify", content=said, headers={"X-Shopify-Hmac-Sha256": as_shopify_writes_it})

    assert reply.status_code == 401


@pytest.mark.parametrize("late", [-91, 91])
def test_a_stale_callback_is_refused(api: TestClient, desk: Desk, shopify: Shopify, late: float) -> None:
    state = begun(api)

    reply = api.get("/auth/callback", params=signed(desk, state=state, code="code-1", late=late))

    assert reply.status_code == 400
    assert shopify.asked == []


@pytest.mark.parametrize("wrong", [{"hmac": ""}, {"hmac": "0" * 64}, {"code": "other"}, {"state": "other"}, {"x": "1"}])
def test_a_forged_callback_is_refused(api: TestClient, desk: Desk, shopify: Shopify, wrong: dict[str, str]) -> None:
    query = {**signed(desk, state=begun(api), code="code-1"), **wrong}

    reply = api.get("/auth/callback", params=query)

    assert (reply.status_code, reply.json()) == (400, {"error": "hmac is wrong"})
    assert shopify.asked == []
    assert shop_rows(desk) == []


def test_an_unknown_state_is_refused(api: TestClient, desk: Desk, shopify: Shopify) -> None:
    reply = ended(api, desk, "0" * 64)

    assert (reply.status_code, reply.json()) == (400, USED_UP)
    assert shopify.asked == []


def test_the_state_of_another_shop_is_refused(api: TestClient, desk: Desk, shopify: Shopify) -> None:
    state = begun(api, "other.myshopify.com")

    reply = ended(api, desk, state)

    assert (reply.status_code, reply.json()) == (400, USED_UP)
    assert shopify.asked == []


@pytest.mark.parametrize(("seconds", "status"), [(599, 302), (600, 400), (601, 400)])
def test_a_state_lives_ten_minutes(api: TestClient, desk: Desk, clock: Clock, seconds: float, status: int) -> None:
    state = begun(api)
    clock.advance(seconds=seconds)

    assert ended(api, desk, state).status_code == status


def test_a_repeated_callback_changes_nothing(api: TestClient, desk: Desk, shopify: Shopify) -> None:
    state = begun(api)
    ended(api, desk, state)

    again = ended(api, desk, state)

    assert (again.status_code, again.headers["location"]) == (302, f"/onboarding?shop={DOMAIN}&mode=oauth_complete")
    assert "set-cookie" not in again.headers
    assert len(shopify.asked) == 1


@pytest.mark.parametrize(("seconds", "status"), [(599, 302), (600, 400)])
def test_a_used_state_is_remembered_ten_minutes(
    api: TestClient, desk: Desk, clock: Clock, seconds: float, status: int
) -> None:
    state = begun(api)
    clock.advance(minutes=5)
    ended(api, desk, state)
    clock.advance(seconds=seconds)

    assert ended(api, desk, state).status_code == status


def test_a_used_state_of_another_shop_is_refused(api: TestClient, desk: Desk) -> None:
    state = begun(api)
    ended(api, desk, state)

    assert ended(api, desk, state, shop="other.myshopify.com").status_code == 400


@pytest.mark.parametrize(
    "broken", [{"status": 400}, {"status": 302}, {"status": 500}, {"answer": {}}, {"broken": True}]
)
def test_a_failed_exchange_is_told_calmly_and_burns_no_state(
    api: TestClient, desk: Desk, shopify: Shopify, broken: dict[str, object]
) -> None:
    state = begun(api)
    vars(shopify).update(broken)

    reply = ended(api, desk, state)

    assert (reply.status_code, reply.json()) == (502, {"error": UNCONFIRMED})
    assert shop_rows(desk) == []
    vars(shopify).update(vars(Shopify()))
    assert ended(api, desk, state).status_code == 302


def test_a_browser_that_asks_twice_at_once_gets_the_same_page(api: TestClient, desk: Desk, shopify: Shopify) -> None:
    state = begun(api)

    def first_one_wins() -> None:
        shopify.meanwhile = lambda: None
        ended(api, desk, state)
        shopify.status = 400

    shopify.meanwhile = first_one_wins

    reply = ended(api, desk, state)

    assert reply.status_code == 302
    assert len(shop_rows(desk)) == 1


@pytest.mark.parametrize("code", ["", "x" * 1001])
def test_a_callback_needs_a_code(api: TestClient, desk: Desk, shopify: Shopify, code: str) -> None:
    query = signed(desk, state=begun(api), code=code)

    assert api.get("/auth/callback", params=query).status_code == 400
    assert shopify.asked == []


@pytest.mark.parametrize(("live", "status"), [(9_999, 302), (10_000, 429), (10_001, 429)])
def test_too_many_installs_at_once_are_told_to_wait(api: TestClient, desk: Desk, live: int, status: int) -> None:
    row = {"shop_domain": DOMAIN, "created_at": desk.clock(), "expires_at": desk.clock() + timedelta(minutes=1)}
    with desk.database.write() as session:
        session.execute(insert(OAuthState), [{"state": str(number), **row} for number in range(live)])

    reply = api.get("/auth", params={"shop": DOMAIN})

    assert reply.status_code == status
    assert reply.headers.get("retry-after") == (None if status == 302 else "60")


def test_expired_states_are_purged(api: TestClient, desk: Desk, clock: Clock) -> None:
    begun(api)
    clock.advance(minutes=10)

    begun(api)

    with desk.database.read() as session:
        assert len(session.execute(select(OAuthState)).all()) == 1


def test_a_merchants_browser_is_told_in_a_page(api: TestClient) -> None:
    reply = api.get("/auth?<b>=1&<b>=2", headers={"Accept": "text/html"})

    assert "&lt;b&gt; is given twice" in reply.text
    assert (reply.status_code, reply.headers["content-type"]) == (400, "text/html; charset=utf-8")
    assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]


def test_a_reinstall_is_the_next_generation(api: TestClient, desk: Desk, shops: Shops, clock: Clock) -> None:
    shops.in_state("uninstalled")
    clock.advance(minutes=1)

    ended(api, desk, begun(api))

    (shop,) = shop_rows(desk)
    assert (shop.generation, shop.status, shop.hold) == (2, "PENDING", None)


def test_an_unset_secret_closes_the_callback(desk: Desk, make_settings: MakeSettings) -> None:
    unset = make_settings(shopify_api_secret=None, database_url=desk.settings.database_url)
    api = client_of(Desk(unset, desk.database, desk.vault, desk.http, desk.clock))

    reply = api.get("/auth/callback", params={"shop": DOMAIN})

    assert (reply.status_code, reply.json()) == (500, {"error": "SHOPIFY_API_SECRET not configured"})
