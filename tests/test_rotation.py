"""Sealing every token anew with the first key: on both engines, beside whatever else is done with them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import update

from sync_core import credentials, install, lifecycle, rotation
from sync_core.access import Access
from sync_core.app_models import Shop
from sync_core.config import Settings
from sync_core.db import Database
from sync_core.models import Token
from sync_core.rotation import Rotated
from sync_core.shopify.patience import Patience
from sync_core.vault import Vault, new_key, open_vault
from tests.conftest import TEST_KEY, MakeSettings
from tests.fleet import PAIR, Fleet

NEW_KEY = new_key()
BOTH, NEW = Vault([NEW_KEY, TEST_KEY]), Vault([NEW_KEY])
APP_KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def fleet(database: Database, settings: Settings) -> Fleet:
    return Fleet(database, settings)


@pytest.fixture
def shops(fleet: Fleet) -> list[str]:
    return sorted(fleet.install(f"{name}.myshopify.com") for name in ("one", "two", "three"))


def rotate(fleet: Fleet, vault: Vault = BOTH, **more: Any) -> Rotated:
    done = Rotated()
    for done in rotation.rotate(fleet.database, vault, **more):  # noqa: B007 - the last one is the end
        pass
    return done


def opened(fleet: Fleet, shop_id: str, vault: Vault = NEW) -> credentials.Credential | None:
    with fleet.database.read() as session:
        return credentials.load(session, shop_id, vault)


def test_afterwards_the_first_key_opens_every_token_alone(fleet: Fleet, shops: list[str]) -> None:
    done = rotate(fleet)

    assert (done.seen, done.sealed, done.unreadable) == (3, 3, [])
    for shop_id in shops:
        assert opened(fleet, shop_id) == credentials.Credential(1, PAIR)
        assert NEW.from_app(fleet.shop(shop_id).access_token) == PAIR.access_token


def test_the_sweep_does_not_take_it_for_a_change_of_the_apps(fleet: Fleet, shops: list[str]) -> None:
    rotate(fleet)

    with fleet.database.read() as session:
        assert install.to_adopt(session) == []


def test_what_was_stopped_goes_on_where_it_was(fleet: Fleet, shops: list[str]) -> None:
    stopped = next(rotation.rotate(fleet.database, BOTH, batch=1))

    done = rotate(fleet, batch=1)

    assert (stopped.seen, stopped.sealed) == (1, 1)
    assert (done.seen, done.sealed) == (3, 2)


def test_a_second_time_nothing_is_sealed(fleet: Fleet, shops: list[str]) -> None:
    rotate(fleet)

    assert rotate(fleet).sealed == 0


def test_a_token_that_no_key_opens_is_named_and_stops_no_other(fleet: Fleet, shops: list[str]) -> None:
    with fleet.database.write() as session:
        session.get_one(Token, shops[1]).refresh_token = Vault([new_key()]).seal("shprt")

    done = rotate(fleet)

    assert (done.seen, done.sealed, done.unreadable) == (3, 2, [shops[1]])
    with fleet.database.read() as session:
        assert BOTH.open(session.get_one(Token, shops[1]).access_token) == PAIR.access_token


def test_a_run_goes_on_with_its_token_and_its_claim(fleet: Fleet, shops: list[str]) -> None:
    claim = fleet.claim_one(shops[0])
    answer = httpx.Response(200, json={"access_token": "shpat_next", "refresh_token": "shprt_next"})
    http = httpx.Client(transport=httpx.MockTransport(lambda _: answer))
    access = Access(claim, database=fleet.database, vault=BOTH, settings=fleet.settings, http=http)

    rotate(fleet)

    assert access.version == claim.token_version
    assert access.replace(PAIR.access_token, patience=Patience()) == "shpat_next"
    fleet.complete(claim)


def test_what_the_app_wrote_meanwhile_stays_and_is_still_noticed(fleet: Fleet, shops: list[str]) -> None:
    with fleet.database.write() as session:
        session.execute(update(Shop).where(Shop.id == shops[0]).values(access_token="shpat_of_the_app"))

    rotate(fleet)

    assert fleet.shop(shops[0]).access_token == "shpat_of_the_app"
    with fleet.database.read() as session:
        assert install.to_adopt(session) == [shops[0]]


def test_the_apps_own_format_is_left_as_it_is(fleet: Fleet, make_settings: MakeSettings) -> None:
    url = fleet.settings.database_url
    app = Fleet(fleet.database, make_settings(database_url=url, encryption_key=APP_KEY, token_format="app"))
    shop_id = app.install()
    before = app.shop(shop_id).access_token
    keys = f"{NEW_KEY},{TEST_KEY}"
    settings = make_settings(database_url=url, encryption_key=APP_KEY, token_format="app", token_keys=keys)

    done = rotate(app, open_vault(settings))

    assert done.sealed == 1
    assert app.shop(shop_id).access_token == before
    assert opened(app, shop_id) is not None


def test_an_uninstalled_shop_has_nothing_to_seal(fleet: Fleet, shops: list[str]) -> None:
    with fleet.database.write() as session:
        lifecycle.locked(session, shops[0])
        credentials.erase(session, shops[0])

    assert rotate(fleet).seen == 2
