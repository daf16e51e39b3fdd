"""Shop: when the token dies, and what Shopify tells us."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from dashboard.api.desk import Desk
from sync_core.models import ShopSync, Token, WebhookCheck
from tests.conftest import Clock
from tests.views.conftest import Fleet, OpenPage
from tests.views.screen import text

SHOP, DOMAIN = "id-calm-3", "calm-3.myshopify.com"


def give_token(desk: Desk, *, refresh_token: str | None = "sealed", **moments: Any) -> None:
    now = desk.clock()
    own = {"access_token": "sealed", "refresh_token": refresh_token, "scopes": "read_products", "version": 1}
    with desk.database.write() as session:
        session.add(Token(shop_id=SHOP, stored_at=now - timedelta(days=70), **own, **moments))


@pytest.mark.parametrize(("seconds", "near"), [(-1, True), (0, False), (1, False)])
def test_the_page_says_when_the_token_dies_and_warns_a_month_before(
    open_page: OpenPage, fleet: Fleet, desk: Desk, *, seconds: int, near: bool
) -> None:
    fleet.healthy()
    give_token(desk, refresh_expires_at=desk.clock() + timedelta(days=30, seconds=seconds))

    page = open_page("shop", domain=DOMAIN)

    assert "Token dies on 2 Dec, " in text(page)
    assert [bool("Sync now tries at once" in warning.value) for warning in page.warning] == ([True] if near else [])
    assert ("renewed by itself long before" in text(page)) is not near


def test_a_token_that_cannot_be_renewed_says_who_must_act(
    open_page: OpenPage, fleet: Fleet, desk: Desk, clock: Clock
) -> None:
    fleet.healthy()
    give_token(desk, refresh_token=None, expires_at=clock() + timedelta(days=2))

    page = open_page("shop", domain=DOMAIN)

    assert "the merchant must authorise the app again" in page.warning[0].value


def test_a_token_that_never_ends_needs_no_words(open_page: OpenPage, fleet: Fleet, desk: Desk) -> None:
    fleet.healthy()
    give_token(desk, refresh_token=None)

    said = text(open_page("shop", domain=DOMAIN))

    assert "Token dies" not in said
    assert "ends: never" in said


def test_a_shop_whose_access_is_gone_is_not_warned_of(open_page: OpenPage, fleet: Fleet, desk: Desk) -> None:
    fleet.healthy()
    give_token(desk, refresh_expires_at=desk.clock())
    with desk.database.write() as session:
        session.get_one(ShopSync, SHOP).hold = "reauthorise"

    page = open_page("shop", domain=DOMAIN)

    assert [warning for warning in page.warning if "Token dies" in warning.value] == []


def test_an_uninstalled_shop_has_no_messages(open_page: OpenPage, fleet: Fleet, desk: Desk) -> None:
    fleet.healthy()
    found = {"address": "https://a.example.com/hook", "topics": [], "missing": [], "problem": None}
    with desk.database.write() as session:
        session.add(WebhookCheck(shop_id=SHOP, checked_at=desk.clock(), **found))
        session.get_one(ShopSync, SHOP).hold = "uninstalled"

    assert "kinds come to" not in text(open_page("shop", domain=DOMAIN))


def test_what_shopify_does_not_tell_us_is_folded_for_engineers(
    open_page: OpenPage, fleet: Fleet, desk: Desk, clock: Clock
) -> None:
    fleet.healthy()
    found = {
        "address": "https://a.example.com/hook",
        "topics": ["SHOP_UPDATE"],
        "missing": ["ORDERS_CREATE"],
    }
    with desk.database.write() as session:
        session.add(WebhookCheck(shop_id=SHOP, checked_at=clock(), problem="Shopify answered 403", **found))

    said = text(open_page("shop", domain=DOMAIN))

    assert "1 kinds come to https://a.example.com/hook; missing: ORDERS_CREATE (Shopify answered 403)" in said
