"""What the doctor says, finding by finding."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert

from sync_core import doctor, inbox
from sync_core.config import Settings, Webhooks
from sync_core.db import Database
from sync_core.doctor import Check
from sync_core.errors import Held
from sync_core.models import Token, WebhookCheck, WebhookInbox
from sync_core.shopify.client import open_http
from sync_core.states import Hold
from tests.conftest import Clock
from tests.fleet import Fleet


def told(database: Database, at: datetime, *, handled_at: datetime | None = None, result: str | None = None) -> None:
    """A message of Shopify's."""
    row = {"webhook_id": f"w-{at.isoformat()}-{result}", "topic": "products/update", "shop_domain": "one.myshopify.com"}
    with database.write() as session:
        session.execute(
            insert(WebhookInbox).values(**row, received_at=at, body="{}", handled_at=handled_at, result=result)
        )


def check_of(name: str, database: Database, settings: Settings) -> Check:
    with open_http() as http:
        found = {check.name: check for check in doctor.examine(database, settings, http=http)}
    return found[name]


def of_the_inbox(database: Database, settings: Settings) -> Check:
    return check_of("messages from Shopify", database, settings)


def test_an_empty_inbox_is_well(database: Database, settings: Settings) -> None:
    found = of_the_inbox(database, settings)

    assert (found.ok, found.found) == (True, "0 waiting, 0 set aside")


@pytest.mark.parametrize(("seconds", "ok"), [(-1, True), (0, True), (1, False)])
def test_a_message_may_wait_for_half_an_hour(
    database: Database, settings: Settings, clock: Clock, *, seconds: int, ok: bool
) -> None:
    told(database, clock() - timedelta(minutes=30, seconds=seconds))

    found = of_the_inbox(database, settings)

    assert (found.ok, found.found.startswith("1 waiting, 0 set aside")) == (ok, True)


def test_a_message_that_was_set_aside_is_told_with_where_to_look(
    database: Database, settings: Settings, clock: Clock
) -> None:
    told(database, clock(), handled_at=clock(), result="set aside: KeyError")
    told(database, clock(), handled_at=clock(), result="read")

    found = of_the_inbox(database, settings)

    assert (found.ok, found.found) == (False, "0 waiting, 1 set aside")
    assert "inbox.set_aside" in found.mend


def test_the_inbox_stands_as_it_is(database: Database, clock: Clock) -> None:
    told(database, clock())
    told(database, clock() - timedelta(minutes=1))

    with database.read() as session:
        found = inbox.standing(session)

    assert found == inbox.Standing(2, clock() - timedelta(minutes=1), 0)


@pytest.fixture
def fleet(database: Database, settings: Settings) -> Fleet:
    return Fleet(database, settings)


def dies_in(fleet: Fleet, shop_id: str, **span: float) -> None:
    """The shop's refresh token lives so long still."""
    with fleet.database.write() as session:
        session.get_one(Token, shop_id).refresh_expires_at = fleet.now + timedelta(**span)


@pytest.mark.parametrize(("seconds", "ok"), [(-1, False), (0, True), (1, True)])
def test_a_token_that_dies_within_30_days_is_told_with_its_shop(fleet: Fleet, seconds: int, ok: bool) -> None:
    dies_in(fleet, fleet.install("old.myshopify.com"), days=30, seconds=seconds)
    dies_in(fleet, fleet.install("young.myshopify.com"), days=90)

    found = check_of("access", fleet.database, fleet.settings)

    assert (found.ok, found.found) == (ok, f"{'none' if ok else 'old.myshopify.com'} die within 30 days")


def test_a_shop_that_waits_for_its_merchant_is_not_told_twice(fleet: Fleet) -> None:
    shop_id = fleet.install()
    fleet.fail(fleet.claim_one(shop_id), Held(Hold.REAUTHORISE, "refused"))
    dies_in(fleet, shop_id, days=1)

    assert check_of("access", fleet.database, fleet.settings).ok


def test_without_our_own_subscriptions_none_is_missed(fleet: Fleet) -> None:
    found = check_of("webhook subscriptions", fleet.database, fleet.settings)

    assert (found.ok, found.found) == (True, "not looked after: WEBHOOKS=app")


@pytest.mark.parametrize(("problem", "ok", "named"), [(None, True, "none"), ("HTTP 403", False, "one.myshopify.com")])
def test_a_shop_that_lacks_subscriptions_is_named(fleet: Fleet, problem: str | None, ok: bool, named: str) -> None:
    own = {"shop_id": fleet.install(), "address": "https://a", "topics": [], "missing": [], "problem": problem}
    with fleet.database.write() as session:
        session.add(WebhookCheck(checked_at=fleet.now, **own))
    settings = fleet.settings.model_copy(update={"webhooks": Webhooks.SHOP})

    found = check_of("webhook subscriptions", fleet.database, settings)

    assert (found.ok, found.found) == (ok, f"of 1 shops looked at, {named} lack some")
