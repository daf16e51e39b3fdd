"""The keeper of leases outlives a database that fails while it books a stalled run."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from sync_core.config import Settings
from sync_core.db import Database
from sync_core.dispatch.keeper import Keeper, Run
from sync_core.runner import Pulse, Tools
from sync_core.shopify.client import open_http
from sync_core.shopify.throttle import Limiters
from sync_core.states import Status
from sync_core.vault import open_vault
from tests.conftest import Clock
from tests.fleet import Fleet


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_a_stall_that_cannot_be_booked_leaves_the_keeper_alive(
    database: Database, settings: Settings, clock: Clock
) -> None:
    fleet = Fleet(database, settings)
    shop_id = fleet.install()
    claim = fleet.claim_one(shop_id)
    with open_http() as http:
        keeper = Keeper(Tools(settings, database, open_vault(settings), http, Limiters()))
        clock.advance(seconds=settings.stall_seconds + 1)
        event.listen(database.engine, "before_cursor_execute", _fail_to_end_an_attempt)

        keeper._keep_lease(Run(claim, Pulse(claim.claimed_at), lambda: None))

    assert fleet.sync(shop_id).status == Status.IN_PROGRESS


def _fail_to_end_an_attempt(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
    if "outcome" in statement and statement.startswith("UPDATE"):
        raise OperationalError(statement, {}, sqlite3.OperationalError("disk I/O error"))
