"""One question to Shopify at a time for a shop's next pair, on both engines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from sync_core import credentials, lifecycle
from sync_core.credentials import Credential, TokenPair
from sync_core.db import Database
from sync_core.errors import Held, Unavailable
from sync_core.models import Token
from sync_core.shopify.patience import Patience
from sync_core.states import Hold
from sync_core.token_refresh import TURN, TokenRefresh, load
from tests.conftest import Clock
from tests.fleet import PAIR, Fleet
from tests.runs.conftest import Impatient

DOMAIN = "one.myshopify.com"
ANSWER = {"access_token": "shpat_next", "refresh_token": "shprt_next", "expires_in": 3600}
Answers = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def fleet(database: Database, settings: Any) -> Fleet:
    return Fleet(database, settings)


@pytest.fixture
def shop_id(fleet: Fleet) -> str:
    return fleet.install(DOMAIN)


class Wire:
    """Shopify's token endpoint: answers as told, and remembers how often it was asked."""

    def __init__(self, answers: Answers | None = None) -> None:
        self.asked = 0
        self._answers = answers or (lambda _: httpx.Response(200, json=ANSWER))

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        return self._answers(request)


def refresh_of(fleet: Fleet, shop_id: str, wire: Wire) -> TokenRefresh:
    http = httpx.Client(transport=httpx.MockTransport(wire))
    own = (fleet.database, fleet.vault, fleet.settings, http)
    return TokenRefresh(shop_id, DOMAIN, *own, lambda session: lifecycle.locked(session, shop_id))


def stored(fleet: Fleet, shop_id: str) -> Credential:
    with fleet.database.read() as session:
        return load(session, shop_id, fleet.vault)


def store(fleet: Fleet, shop_id: str, token: str) -> None:
    with fleet.database.write() as session:
        credentials.store(session, shop_id, TokenPair(token), now=fleet.now, vault=fleet.vault)


def take_turn(fleet: Fleet, shop_id: str, *, version: int = 1, by: str = "another") -> bool:
    with fleet.database.write() as session:
        until = fleet.now + TURN
        return credentials.take_turn(session, shop_id, version=version, by=by, now=fleet.now, until=until)


def patient() -> Patience:
    return Patience(stopping=Impatient())


def test_a_refresh_stores_the_next_pair_and_its_version(fleet: Fleet, shop_id: str) -> None:
    found = refresh_of(fleet, shop_id, Wire()).newer(stored(fleet, shop_id), patience=patient())

    assert (found.version, found.pair.access_token, found.pair.refresh_token) == (2, "shpat_next", "shprt_next")
    assert found == stored(fleet, shop_id)


def test_while_another_asks_nobody_else_does(fleet: Fleet, shop_id: str) -> None:
    used, wire = stored(fleet, shop_id), Wire()
    take_turn(fleet, shop_id)

    assert refresh_of(fleet, shop_id, wire).once(used) == used
    assert wire.asked == 0


@pytest.mark.parametrize(("seconds", "free"), [(29, False), (30, True), (31, True)])
def test_a_turn_whose_holder_died_is_over_after_30_seconds(
    fleet: Fleet, shop_id: str, clock: Clock, seconds: int, free: bool
) -> None:
    take_turn(fleet, shop_id, by="the dead")
    clock.advance(seconds=seconds)

    assert take_turn(fleet, shop_id) is free


def test_there_is_no_turn_for_the_successor_of_a_pair_that_has_one(fleet: Fleet, shop_id: str) -> None:
    store(fleet, shop_id, "shpat_by_another")

    assert not take_turn(fleet, shop_id, version=1)
    assert take_turn(fleet, shop_id, version=2)


def test_whoever_waited_gets_the_pair_that_the_other_stored(fleet: Fleet, shop_id: str) -> None:
    used, wire = stored(fleet, shop_id), Wire()
    take_turn(fleet, shop_id)
    patience = Patience(stopping=Impatient(), on_wait=lambda _: store(fleet, shop_id, "shpat_by_another"))

    found = refresh_of(fleet, shop_id, wire).newer(used, patience=patience)

    assert (found.pair.access_token, wire.asked) == ("shpat_by_another", 0)


def test_a_refresh_that_failed_lets_the_next_one_ask_at_once(fleet: Fleet, shop_id: str) -> None:
    refresh = refresh_of(fleet, shop_id, Wire(lambda _: httpx.Response(520)))

    with pytest.raises(Unavailable):
        refresh.once(stored(fleet, shop_id))

    assert take_turn(fleet, shop_id)


def test_no_answer_is_asked_for_again_with_the_stored_token(fleet: Fleet, shop_id: str) -> None:
    bodies: list[bytes] = []

    def lose_two(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        return httpx.Response(520) if len(bodies) < 3 else httpx.Response(200, json=ANSWER)

    found = refresh_of(fleet, shop_id, Wire(lose_two)).newer(stored(fleet, shop_id), patience=patient())

    assert found.version == 2
    assert len(set(bodies)) == 1


def test_a_refusal_is_forgotten_when_another_pair_was_stored_meanwhile(fleet: Fleet, shop_id: str) -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        store(fleet, shop_id, "shpat_of_the_merchant")
        return httpx.Response(401, json={"error": "invalid_request"})

    found = refresh_of(fleet, shop_id, Wire(refuse)).newer(stored(fleet, shop_id), patience=patient())

    assert found.pair.access_token == "shpat_of_the_merchant"


def test_an_answer_after_another_pair_was_stored_is_dropped(fleet: Fleet, shop_id: str) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        store(fleet, shop_id, "shpat_of_the_merchant")
        return httpx.Response(200, json=ANSWER)

    refresh_of(fleet, shop_id, Wire(answer)).newer(stored(fleet, shop_id), patience=patient())

    assert stored(fleet, shop_id).pair.access_token == "shpat_of_the_merchant"


def test_an_answer_after_an_uninstall_stores_nothing(fleet: Fleet, shop_id: str, clock: Clock) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        fleet.uninstall(DOMAIN, triggered_at=clock.advance(seconds=1))
        return httpx.Response(200, json=ANSWER)

    with pytest.raises(Held) as caught:
        refresh_of(fleet, shop_id, Wire(answer)).once(stored(fleet, shop_id))

    assert caught.value.hold is Hold.REAUTHORISE
    with fleet.database.read() as session:
        assert session.execute(select(Token)).all() == []


def renewal_of(fleet: Fleet, shop_id: str) -> datetime | None:
    with fleet.database.read() as session:
        return session.get_one(Token, shop_id).renew_at


@pytest.mark.parametrize(("lives", "days"), [(90, 30), (None, 30), (9, 3), (400, 30)])
def test_an_unused_pair_is_renewed_after_a_third_of_its_life_and_a_month_at_most(
    fleet: Fleet, shop_id: str, now: datetime, lives: int | None, days: int
) -> None:
    pair = TokenPair("shpat", "shprt", refresh_expires_at=now + timedelta(days=lives) if lives else None)
    with fleet.database.write() as session:
        credentials.store(session, shop_id, pair, now=now, vault=fleet.vault)

    found = renewal_of(fleet, shop_id)
    assert found is not None
    assert timedelta(days=0.9 * days) <= found - now <= timedelta(days=days)


def test_a_token_that_cannot_be_refreshed_is_never_due(fleet: Fleet, shop_id: str) -> None:
    store(fleet, shop_id, "shpat_lasting")

    assert PAIR.refresh_token is not None
    assert renewal_of(fleet, shop_id) is None
