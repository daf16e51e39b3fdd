"""Two transactions at once: what one has locked, the other passes over or waits for. PostgreSQL only.

On SQLite there is nothing to see: BEGIN IMMEDIATE lets one writer in at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from sync_core import lifecycle
from sync_core.lifecycle import Claim, Usage
from tests.fleet import Fleet


@pytest.fixture
def engine_name() -> str:
    return "postgresql"


@contextmanager
def beside(fleet: Fleet) -> Iterator[Session]:
    """Another transaction, which does not wait for a lock."""
    with fleet.database.engine.connect() as connection, Session(connection) as session:
        session.execute(text("SET LOCAL lock_timeout = '1ms'"))
        yield session
        session.rollback()


def claim_beside(fleet: Fleet, *, late: timedelta = timedelta(0)) -> list[Claim]:
    with beside(fleet) as session:
        own = {"now": fleet.now + late, "settings": fleet.settings}
        return lifecycle.claim(session, owner="worker-2", limit=10, **own)  # type: ignore[arg-type]


def test_a_shop_that_is_being_claimed_is_passed_over(fleet: Fleet) -> None:
    for name in ("one", "two"):
        fleet.ask(fleet.install(f"{name}.myshopify.com"))
    own = {"now": fleet.now, "settings": fleet.settings}

    with fleet.database.write() as session:
        first = lifecycle.claim(session, owner="worker-1", limit=1, **own)  # type: ignore[arg-type]
        second = claim_beside(fleet)

    assert [claim.shop_domain for claim in first] == ["one.myshopify.com"]
    assert [claim.shop_domain for claim in second] == ["two.myshopify.com"]


@pytest.mark.parametrize("verb", ["checkpoint", "guard"])
def test_a_write_of_a_run_locks_its_shop_before_anything_else(fleet: Fleet, verb: str) -> None:
    claim = fleet.claim_one(fleet.install())
    words = {"cursor": {}, "progress": {}, "usage": Usage(1), "now": fleet.now, "settings": fleet.settings}

    with fleet.database.write() as session:
        getattr(lifecycle, verb)(session, claim, **(words if verb == "checkpoint" else {}))
        taken = claim_beside(fleet, late=timedelta(seconds=61))

    assert taken == []
    assert len(claim_beside(fleet, late=timedelta(seconds=61))) == 1


def test_a_request_waits_for_a_page_that_is_being_stored(fleet: Fleet) -> None:
    claim = fleet.claim_one(fleet.install())

    with fleet.database.write() as session:
        lifecycle.guard(session, claim)
        with pytest.raises(OperationalError, match="lock timeout"), beside(fleet) as other:
            lifecycle.take_over(other, claim.shop_id, actor="Ada", reason="no progress", now=fleet.now)

    assert fleet.sync(claim.shop_id).fence == claim.fence
