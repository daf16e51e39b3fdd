"""What programs read: the pages' figures as JSON, behind the read token, never a token or an e-mail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from dashboard.api import read
from dashboard.api.desk import Desk
from dashboard.api.read import window
from sync_core import health
from sync_core.errors import BadInput
from sync_core.models import ShopProfile
from tests.api.client import TestClient
from tests.api.conftest import CRON, DOMAIN, READ, Shops
from tests.conftest import Clock
from tests.test_domains import HOSTILE
from tests.test_time_limit import ENDLESS

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)

PATHS = ["/api/health", "/api/shops", "/api/sweeps"]
WRONG = [
    ("/api/health", "window=7", "window must look like 24h, 7d or 4w"),
    ("/api/health", "window=0d", "window must look like 24h, 7d or 4w"),
    ("/api/health", "window=7d%0a", "window must look like 24h, 7d or 4w"),
    ("/api/health", "window=401d", "from must lie before to, by at most 400 days"),
    ("/api/health", "from=yesterday", "from must be a moment like 2026-11-24T00:00:00Z"),
    ("/api/health", "to=0001-01-02", "to must be a moment like 2026-11-24T00:00:00Z"),
    ("/api/health", "from=0001-01-01T00:00:00%2B23:59", "from must be a moment like 2026-11-24T00:00:00Z"),
    ("/api/health", "to=9999-12-31T23:59:59-23:59", "to must be a moment like 2026-11-24T00:00:00Z"),
    ("/api/health", "from=2026-11-02&to=2026-11-01", "from must lie before to, by at most 400 days"),
    ("/api/health", "by=week", "by must be one of hour, day"),
    ("/api/health", "window=9d&by=hour", "by=hour is for windows of at most 8 days"),
    ("/api/shops", "status=ASLEEP", "status must be one of PENDING, IN_PROGRESS, COMPLETED, FAILED"),
    ("/api/shops", "sort=colour", "sort must be one of domain, waiting, newest"),
    ("/api/shops", "overdue=yes", "overdue must be 0 or 1"),
    ("/api/shops", "limit=0", "limit must be a number from 1 to 200"),
    ("/api/shops", "limit=201", "limit must be a number from 1 to 200"),
    ("/api/shops", "limit=%C2%B2", "limit must be a number from 1 to 200"),
    ("/api/shops", "after=nowhere", "after is not a place in this list"),
    ("/api/shops", "q=a%00b", "q must be at most 500 characters, without NUL"),
    ("/api/shops", "q=a&q=b", "q is given twice"),
    ("/api/sweeps", "limit=-1", "limit must be a number from 1 to 200"),
]


@pytest.mark.parametrize(("path", "query", "words"), WRONG)
def test_a_wrong_question_is_refused_with_its_field(api: TestClient, path: str, query: str, words: str) -> None:
    reply = api.get(f"{path}?{query}", headers=READ)

    assert (reply.status_code, reply.json()) == (400, {"error": words})


@pytest.mark.parametrize("path", PATHS)
def test_an_empty_database_has_answers(api: TestClient, path: str) -> None:
    assert api.get(path, headers=READ).status_code == 200


def test_health_has_the_four_objectives(api: TestClient, shops: Shops) -> None:
    shops.install()

    said = api.get("/api/health?window=24h", headers=READ).json()

    assert set(said["objectives"]) == {"sync_success", "pick_up", "time_to_sync", "sweep_success"}
    assert said["window"] == {"from": "2026-11-01T09:30:00Z", "to": "2026-11-02T09:30:00Z"}


def test_health_by_day_adds_up_to_the_window(api: TestClient, shops: Shops) -> None:
    shops.install()

    said = api.get("/api/health?window=3d&by=day", headers=READ).json()

    steps, swept = said["series"], said["objectives"]["sweep_success"]
    assert [step["from"] for step in steps[1:]] == [f"2026-{day}T00:00:00Z" for day in ("10-31", "11-01", "11-02")]
    assert (steps[0]["from"], steps[-1]["to"]) == (said["window"]["from"], said["window"]["to"])
    assert sum(step["sweep_success"]["n"] for step in steps) == swept["n"]


def test_a_question_that_takes_too_long_is_answered_503(api: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "READ_SECONDS", 0.2)
    monkeypatch.setattr(health, "report", lambda session, **_: session.execute(ENDLESS))

    reply = api.get("/api/health", headers=READ)

    assert (reply.status_code, reply.json()) == (503, {"error": "The database took too long"})
    assert reply.headers["Retry-After"] == "60"


def test_shops_come_in_pages(api: TestClient, shops: Shops) -> None:
    domains = [f"shop-{number}.myshopify.com" for number in range(3)]
    for domain in domains:
        shops.install(domain)

    first = api.get("/api/shops?limit=2", headers=READ).json()
    rest = api.get("/api/shops", params={"limit": "2", "after": first["nextAfter"]}, headers=READ).json()

    assert [one["domain"] for one in first["shops"] + rest["shops"]] == domains
    assert (first["total"], first["capped"], rest["nextAfter"]) == (3, False, None)


def test_shops_are_found_by_status(api: TestClient, shops: Shops) -> None:
    shops.in_state("FAILED")

    found = [api.get(f"/api/shops?status={status}", headers=READ).json()["total"] for status in ("FAILED", "PENDING")]

    assert found == [1, 0]


def test_one_shop_is_shown_without_its_e_mail(api: TestClient, shops: Shops, desk: Desk) -> None:
    shop = shops.in_state("IN_PROGRESS")
    profile = ShopProfile(shop_id=shop.shop_id, name="Atelier", name_folded="atelier", updated_at=desk.clock())
    profile.contact_email = "owner@example.com"
    with desk.database.write() as session:
        session.add(profile)

    reply = api.get(f"/api/shops/{DOMAIN}", headers=READ)

    said = reply.json()["shop"]
    assert (said["domain"], said["situation"]["status"], said["profile"]["name"]) == (DOMAIN, "IN_PROGRESS", "Atelier")
    assert said["situation"]["now"] == "2026-11-02T09:30:00.000Z"
    assert "owner@example.com" not in reply.text


def test_an_unknown_shop_is_not_found(api: TestClient) -> None:
    reply = api.get("/api/shops/nobody.myshopify.com", headers=READ)

    assert (reply.status_code, reply.json()) == (404, {"error": "Shop not found"})


@pytest.mark.parametrize("domain", [text for text in HOSTILE if text and "%" not in text])
def test_a_hostile_domain_is_refused(api: TestClient, domain: str) -> None:
    reply = api.get(f"/api/shops/{quote(domain, safe='')}", headers=READ)

    assert reply.status_code == (404 if "/" in domain else 400)


def test_sweeps_come_newest_first(api: TestClient, clock: Clock) -> None:
    for _ in range(3):
        api.get("/api/cron/sync-pending", headers=CRON)
        clock.advance(minutes=5)

    first = api.get("/api/sweeps?limit=2", headers=READ).json()
    rest = api.get("/api/sweeps", params={"limit": "2", "before": first["nextBefore"]}, headers=READ).json()

    begun = [one["begunAt"] for one in first["sweeps"] + rest["sweeps"]]
    assert begun == sorted(begun, reverse=True)
    assert (len(begun), rest["nextBefore"]) == (3, None)


@pytest.mark.parametrize(
    ("query", "since", "until"),
    [
        ({}, NOW - timedelta(days=7), NOW),
        ({"window": "24h"}, NOW - timedelta(hours=24), NOW),
        ({"window": "2w"}, NOW - timedelta(days=14), NOW),
        ({"window": "400d"}, NOW - timedelta(days=400), NOW),
        ({"from": "2026-11-01T00:00:00Z"}, datetime(2026, 11, 1, tzinfo=UTC), NOW),
        ({"from": "2026-11-01"}, datetime(2026, 11, 1, tzinfo=UTC), NOW),
        ({"to": "2026-11-01T02:00:00 02:00"}, datetime(2026, 10, 25, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)),
    ],
)
def test_a_window_is_read(query: dict[str, str], since: datetime, until: datetime) -> None:
    assert window(query, NOW) == (since, until)


def test_a_window_has_an_end_after_its_beginning() -> None:
    with pytest.raises(BadInput):
        window({"from": NOW.isoformat(), "to": NOW.isoformat()}, NOW)
