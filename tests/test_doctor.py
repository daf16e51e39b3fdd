"""What the doctor says, finding by finding."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert

from sync_core import doctor, inbox
from sync_core.config import Settings
from sync_core.db import Database
from sync_core.doctor import Check
from sync_core.models import WebhookInbox
from sync_core.shopify.client import open_http
from tests.conftest import Clock


def told(database: Database, at: datetime, *, handled_at: datetime | None = None, result: str | None = None) -> None:
    """A message of Shopify's."""
    row = {"webhook_id": f"w-{at.isoformat()}-{result}", "topic": "products/update", "shop_domain": "one.myshopify.com"}
    with database.write() as session:
        session.execute(
            insert(WebhookInbox).values(**row, received_at=at, body="{}", handled_at=handled_at, result=result)
        )


def of_the_inbox(database: Database, settings: Settings) -> Check:
    with open_http() as http:
        found = {check.name: check for check in doctor.examine(database, settings, http=http)}
    return found["messages from Shopify"]


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
