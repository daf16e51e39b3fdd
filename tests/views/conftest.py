"""Pages run in process on a database of the test's own, at the test's time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import streamlit as st
from sqlalchemy import update
from streamlit.testing.v1 import AppTest

from dashboard.api import app as api
from dashboard.api.desk import Desk, Door
from sync_core.alerts.book import keep
from sync_core.config import Settings
from sync_core.db import Database
from sync_core.models import Heartbeat, ShopSync
from sync_core.vault import open_vault
from tests.conftest import Clock
from tests.health_rows import Rows

SCRIPT = Path(__file__).parents[2] / "dashboard" / "app.py"
PAGES = ("overview", "shops", "shop", "sweeps", "alerts", "system")

OpenPage = Callable[..., AppTest]


@pytest.fixture
def desk(sqlite_database: Database, settings: Settings, clock: Clock) -> Iterator[Desk]:
    """The desk of the pages, on the test's database and clock."""
    made = Desk(settings, sqlite_database, open_vault(settings), httpx.Client(), clock)
    before, api.state.door = api.state.door, Door(lambda: made)
    st.cache_resource.clear()
    yield made
    api.state.door.close()
    api.state.door = before
    st.cache_resource.clear()


@pytest.fixture
def open_page(desk: Desk) -> OpenPage:
    """`open_page("shop", domain="one.myshopify.com")`: the page as a viewer sees it; fails on an exception in it."""

    def opened(name: str, **query: str) -> AppTest:
        test = AppTest.from_file(str(SCRIPT), default_timeout=30)
        for key, value in query.items():
            test.query_params[key] = value
        test.switch_page(f"views/{name}.py").run()
        assert not test.exception, test.exception[0].stack_trace
        return test

    return opened


@dataclass
class Fleet:
    """Fleets as the pages must show them; each in one transaction."""

    desk: Desk

    def alive(self) -> None:
        """A scheduler that beats, and a day of checks."""
        with self.desk.database.write() as session:
            rows = Rows(session, self.desk.clock())
            rows.beat("scheduler", rows.now, workers=16)
            for nth in range(288):
                rows.sweep(rows.now - timedelta(minutes=5 * nth), slot=int(rows.now.timestamp()) // 300 - nth)

    def still_alive(self) -> None:
        """The scheduler of `alive` beats again."""
        with self.desk.database.write() as session:
            session.execute(update(Heartbeat).values(seen_at=self.desk.clock()))

    def healthy(self, shops: int = 40) -> None:
        self.alive()
        with self.desk.database.write() as session:
            rows = Rows(session, self.desk.clock())
            for nth in range(shops):
                at = rows.now - timedelta(hours=30 + nth)
                path = "wake" if nth % 8 == 0 else "onboarding"
                held = {"products": {"rows": {"products": 12}, "as_of": at.isoformat(), "skipped": None}}
                synced = at + timedelta(seconds=90)
                moments = {"first_synced_at": synced, "last_synced_at": synced, "held": held}
                shop_id = rows.shop(f"calm-{nth}", installed_at=at, **moments)
                rows.install(shop_id, at, claimed=12, synced=90 + nth, path=path)
                rows.attempt(shop_id, synced, "completed", trigger=path, generation=1)

    def adopted(self) -> None:
        """A shop that the app had synced before we came: data, and no count of it."""
        with self.desk.database.write() as session:
            rows = Rows(session, self.desk.clock())
            at = rows.now - timedelta(days=2)
            rows.shop("adopted", installed_at=at, first_synced_at=at, last_synced_at=at)

    def burning(self) -> None:
        """Healthy, and one shop in each kind of trouble: revoked, locked, failing, retrying, running, late."""
        self.healthy()
        with self.desk.database.write() as session:
            rows = Rows(session, self.desk.clock())
            ago = rows.now - timedelta(minutes=50)
            soon = rows.now + timedelta(minutes=3)
            failed = {"status": "FAILED", "failures": 1, "failing_since": ago, "installed_at": ago, "since": ago}
            revoked = rows.shop("revoked", hold="reauthorise", error_class="reauthorise", **failed)
            locked = rows.shop("locked", hold="locked", error_class="locked", due_at=soon, **failed)
            often = {**failed, "failures": 13, "attention": True, "error_message": "KeyError in products.py:41"}
            failing = rows.shop("failing", error_class="internal", due_at=soon, wake_at=soon, **often)
            trying = rows.shop("trying", error_class="unavailable", due_at=soon, wake_at=soon, **failed)
            for shop_id in (revoked, locked, failing, trying):
                rows.install(shop_id, ago, claimed=12, path="wake")
                rows.attempt(shop_id, ago, "failed", error_class="internal", request_id="41d0-77ac")
            rows.profile(failing, "Moss *Bold* & <b>Co</b>", contact_email="owner@moss.example", plan="Basic")
            running = rows.shop("running", status="IN_PROGRESS", installed_at=ago)
            rows.install(running, ago, claimed=12, path="onboarding")
            step = {"done": 40, "total": 100, "skipped": None, "ended": False}
            rows.attempt(running, None, None, trigger="onboarding", progress={"products": step})

    def alarmed(self) -> None:
        """Burning, and the book has judged it once: one shop failing for long, three blocked or turned away."""
        self.burning()
        with self.desk.database.write() as session:
            session.execute(update(ShopSync).values(progress_at=self.desk.clock()))
        keep(self.desk.database, self.desk.settings)


@pytest.fixture
def fleet(desk: Desk) -> Fleet:
    """Verbs that fill the database of the pages."""
    return Fleet(desk)
