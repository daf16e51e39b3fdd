"""Install, code exchange and refresh, as Shopify answers them."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlencode

import pytest

from sync_core.sandbox.oauth import sign_query
from tests.sandbox.app import CALLBACK, DOMAIN, App, Hands
from tests.sandbox.conftest import MakeApp

SHOP_NAME = "{ shop { name } }"


def test_the_consent_page_names_app_shop_and_scopes_and_waits_for_a_click(app: App) -> None:
    page = app.authorize(auto="0")

    assert page.status_code == 200
    for text in ("Install Shopsync", DOMAIN, "read_orders", "Install app</button>"):
        assert text in page.text


def test_the_click_redirects_to_the_callback(app: App) -> None:
    query = {"client_id": "sandbox-key", "redirect_uri": CALLBACK, "scope": "read_products", "state": "s1"}

    clicked = app.client.post(f"/{DOMAIN}/admin/oauth/authorize", params=query, follow_redirects=False)

    assert clicked.status_code == 302
    assert clicked.headers["location"].startswith(f"{CALLBACK}?code=")


def test_the_redirect_is_signed_over_its_sorted_query(app: App) -> None:
    query = app.redirected(state="a b&c")

    given = query.pop("hmac")
    text = urlencode(sorted(query.items()))
    assert given == hmac.new(b"sandbox-secret", text.encode(), hashlib.sha256).hexdigest()
    assert query["shop"] == DOMAIN
    assert query["state"] == "a b&c"


def test_the_order_of_the_query_does_not_change_its_signature() -> None:
    first = sign_query({"shop": "a", "code": "b", "hmac": "old"}, "secret")

    assert first == sign_query({"code": "b", "shop": "a"}, "secret")


def test_an_unknown_client_id_gets_no_redirect(app: App) -> None:
    assert app.authorize(client_id="someone-else").status_code == 400


def test_a_code_becomes_an_expiring_pair(app: App) -> None:
    code = app.redirected()["code"]

    answer = app.exchange(code=code, expiring="1").json()

    assert answer["expires_in"] == 3_600
    assert answer["refresh_token_expires_in"] == 7_776_000
    assert answer["scope"] == "read_products,read_orders,read_customers"
    assert answer["access_token"].startswith("shpat_")


def test_a_form_is_taken_as_well_as_json(app: App) -> None:
    body = {"client_id": "sandbox-key", "client_secret": "sandbox-secret", "code": app.redirected()["code"]}

    answer = app.client.post(f"/{DOMAIN}/admin/oauth/access_token", data=body | {"expiring": "1"})

    assert answer.json()["expires_in"] == 3_600


def test_without_expiring_the_token_lasts_and_the_admin_api_refuses_it(make_app: MakeApp) -> None:
    app = make_app()
    app.install(expiring="0")

    refused = app.post(SHOP_NAME)

    assert "refresh_token" not in app.grant
    assert refused.status_code == 403
    assert refused.json()["errors"].startswith("[API] Non-expiring access tokens are no longer accepted")


def test_a_code_works_once(app: App) -> None:
    code = app.redirected()["code"]
    app.exchange(code=code, expiring="1")

    assert app.exchange(code=code, expiring="1").status_code == 400


def test_a_code_of_one_shop_is_worthless_on_another(app: App) -> None:
    code = app.redirected()["code"]

    assert app.exchange("other.myshopify.com", code=code).status_code == 400


def test_a_wrong_client_secret_is_an_invalid_client(app: App) -> None:
    answer = app.exchange(code=app.redirected()["code"], client_secret="guess")

    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"


@pytest.mark.parametrize(("seconds", "status"), [(3_599, 200), (3_600, 401), (3_601, 401)])
def test_an_access_token_lives_an_hour(app: App, hands: Hands, seconds: int, status: int) -> None:
    hands.advance(seconds)

    assert app.post(SHOP_NAME).status_code == status


def test_a_refresh_answers_a_new_pair(app: App) -> None:
    answer = app.exchange(grant_type="refresh_token", refresh_token=app.grant["refresh_token"]).json()

    assert answer["access_token"] != app.grant["access_token"]
    assert answer["refresh_token"] != app.grant["refresh_token"]


def test_a_lost_refresh_answer_can_be_asked_for_again(app: App) -> None:
    first = app.grant["refresh_token"]
    lost = app.exchange(grant_type="refresh_token", refresh_token=first).json()

    again = app.exchange(grant_type="refresh_token", refresh_token=first)

    assert again.status_code == 200
    assert app.exchange(grant_type="refresh_token", refresh_token=lost["refresh_token"]).status_code == 401


def test_the_old_refresh_token_ends_when_the_new_one_is_used(app: App) -> None:
    first = app.grant["refresh_token"]
    second = app.exchange(grant_type="refresh_token", refresh_token=first).json()["refresh_token"]
    app.exchange(grant_type="refresh_token", refresh_token=second)

    refused = app.exchange(grant_type="refresh_token", refresh_token=first)

    assert refused.status_code == 401
    assert refused.json()["error_description"] == "This request requires an active refresh_token"


def test_a_refresh_token_older_than_ninety_days_is_an_invalid_grant(app: App, hands: Hands) -> None:
    hands.advance(7_776_001)

    refused = app.exchange(grant_type="refresh_token", refresh_token=app.grant["refresh_token"])

    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


def test_an_uninstall_ends_both_tokens_and_a_new_install_gives_others(app: App) -> None:
    app.control.uninstall(DOMAIN, webhook=False)
    dead = app.post(SHOP_NAME).status_code
    refresh = app.exchange(grant_type="refresh_token", refresh_token=app.grant["refresh_token"]).json()["error"]

    app.install()

    assert (dead, refresh) == (401, "invalid_client")
    assert app.post(SHOP_NAME).status_code == 200


def test_a_shop_may_be_chosen_by_host(app: App) -> None:
    headers = {"Host": DOMAIN, "X-Shopify-Access-Token": app.token}

    answer = app.client.post("/admin/api/2026-10/graphql.json", json={"query": SHOP_NAME}, headers=headers)

    assert answer.json()["data"]["shop"]["name"] == "Northern Oak"


def test_a_name_that_is_no_shop_domain_is_not_found(app: App) -> None:
    assert app.exchange("example.com").status_code == 404


def exchange_of(app: App, **other: str) -> dict[str, str]:
    body = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": app.token,
        "subject_token_type": "urn:shopify:params:oauth:token-type:offline-access-token",
        "requested_token_type": "urn:shopify:params:oauth:token-type:offline-access-token",
        "expiring": "1",
    }
    return body | other


@pytest.fixture
def lasting(make_app: MakeApp) -> App:
    """An app installed with a token that never expires."""
    app = make_app()
    app.install(expiring="0")
    return app


def test_a_lasting_token_is_exchanged_for_a_pair_and_opens_nothing_more(lasting: App) -> None:
    old = lasting.token

    pair = lasting.exchange(**exchange_of(lasting)).json()

    assert lasting.post(SHOP_NAME).status_code == 401
    lasting.token = pair["access_token"]
    assert lasting.post(SHOP_NAME).status_code == 200
    assert (pair["expires_in"], old != pair["access_token"]) == (3_600, True)


@pytest.mark.parametrize(("seconds", "status"), [(604_799, 200), (604_800, 400)])
def test_a_lost_exchange_is_repeated_for_seven_days(lasting: App, hands: Hands, seconds: int, status: int) -> None:
    first = lasting.exchange(**exchange_of(lasting)).json()
    hands.advance(seconds)

    again = lasting.exchange(**exchange_of(lasting))

    assert again.status_code == status
    assert (again.json() == first) is (status == 200)


def test_only_a_lasting_token_of_this_shop_is_exchanged(app: App, lasting: App) -> None:
    for asked in (app.exchange(**exchange_of(app)), lasting.exchange("other.myshopify.com", **exchange_of(lasting))):
        assert (asked.status_code, asked.json()["error"]) == (400, "invalid_subject_token")
