"""Tokens that nobody uses are kept alive: on both engines, against a token endpoint that answers as told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import httpx
import pytest

from sync_core import credentials
from sync_core.config import Settings
from sync_core.credentials import TokenPair
from sync_core.db import Database
from sync_core.idle_tokens import Kept, keep_alive
from sync_core.models import ShopSync, Token
from sync_core.runner import Tools
from sync_core.shopify.throttle import Limiters
from sync_core.states import Hold, Trigger
from sync_core.vault import Vault, new_key
from tests.conftest import Clock, MakeSettings
from tests.fleet import Fleet

Answers = Callable[[httpx.Request], httpx.Response]


def renewed(_: httpx.Request) -> httpx.Response:
    lifetimes = {"expires_in": 3600, "refresh_token_expires_in": 7_776_000}
    return httpx.Response(200, json={"access_token": "shpat_next", "refresh_token": "shprt_next", **lifetimes})


def refused(_: httpx.Request) -> httpx.Response:
    return httpx.Response(400, json={"error": "invalid_grant"})


class House:
    """One process's tools, and the shops of its database."""

    def __init__(self, database: Database, settings: Settings, clock: Clock) -> None:
        self.fleet = Fleet(database, settings)
        self.clock = clock
        self.asked: list[str] = []
        self.answers: Answers = renewed
        self.stopping = threading.Event()

    def look(self, *, limit: int = 20, settings: Settings | None = None, vault: Vault | None = None) -> Kept:
        fleet = self.fleet
        with httpx.Client(transport=httpx.MockTransport(self._answer)) as http:
            tools = Tools(settings or fleet.settings, fleet.database, vault or fleet.vault, http, Limiters())
            return keep_alive(tools, self.stopping, limit=limit)

    def idle(self, domain: str = "one.myshopify.com", *, days: float = 30) -> str:
        """A shop that was synced so many days ago; its tokens are of then."""
        shop_id = self.fleet.synced(domain)
        pair = TokenPair("shpat_of_then", "shprt_of_then", refresh_expires_at=self.clock() + timedelta(days=90))
        with self.fleet.database.write() as session:
            credentials.store(session, shop_id, pair, now=self.clock(), vault=self.fleet.vault)
        self.clock.advance(days=days)
        return shop_id

    def token(self, shop_id: str) -> Token:
        with self.fleet.database.read() as session:
            return session.get_one(Token, shop_id)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        return self.answers(request)


@pytest.fixture
def house(database: Database, settings: Settings, clock: Clock) -> Iterator[House]:
    return House(database, settings, clock)


@pytest.mark.parametrize(("days", "refreshed"), [(26.9, 0), (30, 1), (31, 1)])
def test_a_token_left_alone_for_a_month_is_refreshed(house: House, days: float, refreshed: int) -> None:
    shop_id = house.idle(days=days)

    kept = house.look()

    assert kept == Kept(refreshed=refreshed)
    assert house.token(shop_id).version == 2 + refreshed


def test_what_was_refreshed_is_left_alone_for_another_month(house: House) -> None:
    shop_id = house.idle()
    house.look()
    house.clock.advance(days=26)

    assert house.look() == Kept()
    assert house.token(shop_id).refresh_expires_at == house.clock() + timedelta(days=64)


def test_an_idle_shop_keeps_its_status_and_its_data(house: House) -> None:
    shop_id = house.idle()
    before = house.fleet.sync(shop_id)

    house.look()

    after = house.fleet.sync(shop_id)
    assert (after.status, after.since, after.fence) == ("COMPLETED", before.since, before.fence)


def test_the_longest_due_come_first_and_the_rest_wait(house: House) -> None:
    first = house.idle("first.myshopify.com", days=8)
    second = house.idle("second.myshopify.com", days=31)

    house.look(limit=1)

    assert (house.token(first).version, house.token(second).version) == (3, 2)


@pytest.mark.parametrize("answer", [httpx.Response(520), httpx.Response(429), httpx.Response(200, content=b"<html>")])
def test_no_good_answer_is_asked_for_again_after_an_hour(house: House, answer: httpx.Response) -> None:
    shop_id = house.idle()
    house.answers = lambda _: answer
    house.look()
    too_soon = house.look()
    house.clock.advance(hours=1)
    house.answers = renewed

    kept = house.look()

    assert (too_soon, kept) == (Kept(), Kept(refreshed=1))
    assert house.fleet.sync(shop_id).status == "COMPLETED"


def test_a_refusal_writes_no_hold_and_asks_for_a_sync_that_finds_out(house: House) -> None:
    shop_id = house.idle()
    house.answers = refused

    kept = house.look()

    shop, asked = house.fleet.sync(shop_id), house.fleet.attempts(shop_id)[-1]
    assert kept == Kept(refused=1)
    assert (shop.status, shop.hold) == ("PENDING", None)
    assert (asked.trigger, asked.reason) == (Trigger.REFRESH, "Shopify refused to refresh its token")
    assert house.look() == Kept()


def test_a_wrong_secret_of_ours_wakes_no_shop(house: House) -> None:
    shop_id = house.idle()
    house.answers = lambda _: httpx.Response(401, json={"error": "invalid_client"})

    kept = house.look()

    assert (kept, house.look()) == (Kept(later=1), Kept())
    assert house.fleet.sync(shop_id).status == "COMPLETED"


def test_a_refusal_after_the_merchant_authorised_again_asks_for_nothing(house: House) -> None:
    shop_id = house.idle()

    def authorise(_: httpx.Request) -> httpx.Response:
        house.fleet.install("one.myshopify.com")
        return refused(_)

    house.answers = authorise

    house.look()

    assert house.fleet.sync(shop_id).status == "COMPLETED"


def test_a_shop_that_staff_stopped_is_kept_alive_and_stays_stopped(house: House) -> None:
    shop_id = house.idle()
    house.fleet.stop(shop_id)

    kept = house.look()

    assert kept == Kept(refreshed=1)
    house.clock.advance(days=30)
    house.answers = refused
    assert (house.look(), house.look()) == (Kept(refused=1), Kept())
    assert house.fleet.sync(shop_id).hold == Hold.STOPPED


@pytest.mark.parametrize("hold", [Hold.REAUTHORISE, Hold.LOCKED, Hold.UNINSTALLED])
def test_no_other_held_shop_is_asked_for(house: House, hold: Hold) -> None:
    shop_id = house.idle()
    with house.fleet.database.write() as session:
        session.get_one(ShopSync, shop_id).hold = hold

    house.look()

    assert house.asked == []


def test_a_token_that_no_key_opens_stops_no_other(house: House) -> None:
    locked_away, fine = house.idle("first.myshopify.com", days=1), house.idle("second.myshopify.com", days=33)
    sealed = Vault([new_key()]).seal("shpat")
    with house.fleet.database.write() as session:
        session.get_one(Token, locked_away).access_token = sealed

    kept = house.look()

    assert kept == Kept(refreshed=1, later=1)
    assert house.token(fine).version == 3


def test_without_the_apps_credentials_nothing_is_asked(house: House, make_settings: MakeSettings) -> None:
    house.idle()
    without = make_settings(database_url=house.fleet.settings.database_url, shopify_api_secret=None)

    assert house.look(settings=without) == Kept()
    assert house.asked == []


def test_a_process_that_is_told_to_stop_refreshes_no_more(house: House) -> None:
    house.idle()
    house.stopping.set()

    assert house.look() == Kept()
