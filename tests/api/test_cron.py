"""The cron route is one sweep."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from dashboard.api.desk import Desk
from sync_core.models import Sweep
from tests.api.client import TestClient
from tests.api.conftest import CRON, Shops
from tests.conftest import Clock


def test_nothing_due_is_said_so(api: TestClient) -> None:
    reply = api.get("/api/cron/sync-pending", headers=CRON)

    assert reply.status_code == 200
    assert reply.json() == {"success": True, "message": "No pending shops", "processed": 0}


def test_due_shops_are_triggered(api: TestClient, shops: Shops, clock: Clock) -> None:
    domains = [f"shop-{number}.myshopify.com" for number in range(3)]
    for domain in domains:
        shops.install(domain)
    clock.advance(minutes=5)

    said = api.get("/api/cron/sync-pending", headers=CRON).json()

    counts = {name: said[name] for name in ("success", "message", "processed", "triggered")}
    assert counts == {"success": True, "message": "Processed 3 pending shops", "processed": 3, "triggered": 3}
    assert sorted(said["results"], key=lambda one: str(one["shopDomain"])) == [
        {"shopDomain": domain, "status": "triggered", "skipped": False} for domain in domains
    ]


def test_a_shop_that_is_requested_already_is_skipped(api: TestClient, shops: Shops, clock: Clock) -> None:
    shops.in_state("requested")
    clock.advance(minutes=5)

    said = api.get("/api/cron/sync-pending", headers=CRON).json()

    assert [(one["status"], one["skipped"]) for one in said["results"]] == [("triggered", True)]


@pytest.mark.parametrize("times", [1, 2])
def test_each_call_is_kept_as_a_sweep(api: TestClient, desk: Desk, times: int) -> None:
    for _ in range(times):
        api.get("/api/cron/sync-pending", headers=CRON)

    with desk.database.read() as session:
        kept = session.execute(select(Sweep.by, Sweep.ended_at)).all()
    assert kept == [("cron", desk.clock())] * times
