"""POST /api/sync, its status, and the trigger of our own programs: the contract's table, row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy.orm import Session

from dashboard.api.desk import Desk
from sync_core import lifecycle
from sync_core.config import Settings
from sync_core.errors import Unavailable
from sync_core.models import Audit, Heartbeat, SyncAttempt
from sync_core.states import Hold
from tests.api.client import TestClient
from tests.api.conftest import DOMAIN, INTERNAL, ORIGIN, Shops, client_of

STARTED = {"success": True, "message": "Sync started"}
RUNNING = {"success": True, "message": "Sync already in progress", "skipped": True}

MERCHANT_ROWS = [
    ("PENDING", 202, STARTED),
    ("FAILED", 202, STARTED),
    ("requested", 202, {**STARTED, "joined": True}),
    ("IN_PROGRESS", 200, RUNNING),
    ("COMPLETED", 200, {"success": True, "message": "Already synced", "skipped": True}),
    ("frozen", 409, {"error": "Blocked: frozen", "hold": "frozen", "nextAttemptAt": None}),
    ("stopped", 409, {"error": "Blocked: stopped", "hold": "stopped", "nextAttemptAt": None}),
    ("reauthorise", 409, {"error": "Blocked: reauthorise", "hold": "reauthorise", "nextAttemptAt": None}),
    ("uninstalled", 401, {"error": "No shop connected"}),
]

PROGRAM_ROWS = [
    ("PENDING", 202, STARTED),
    ("FAILED", 202, STARTED),
    ("requested", 202, {**STARTED, "joined": True}),
    ("IN_PROGRESS", 200, RUNNING),
    ("COMPLETED", 202, STARTED),
    ("frozen", 202, STARTED),
    ("locked", 202, STARTED),
    ("scope", 202, STARTED),
    ("stopped", 202, STARTED),
    ("reauthorise", 409, {"error": "Blocked: reauthorise", "hold": "reauthorise", "nextAttemptAt": None}),
    ("gone", 409, {"error": "Blocked: gone", "hold": "gone", "nextAttemptAt": None}),
    ("uninstalled", 409, {"error": "Shop is uninstalled"}),
]


@pytest.mark.parametrize(("state", "status", "said"), MERCHANT_ROWS)
def test_a_merchant_is_answered_by_the_table(
    api: TestClient, shops: Shops, state: str, status: int, said: dict[str, Any]
) -> None:
    shops.sign_in(api, shops.in_state(state))

    reply = api.post("/api/sync", headers=ORIGIN)

    assert reply.status_code == status
    assert without_attempt(reply.json()) == said


@pytest.mark.parametrize(("state", "status", "said"), PROGRAM_ROWS)
def test_a_program_is_answered_by_the_table(
    api: TestClient, shops: Shops, state: str, status: int, said: dict[str, Any]
) -> None:
    shop = shops.in_state(state)

    reply = api.post("/api/sync/trigger", json={"shopId": shop.shop_id}, headers=INTERNAL)

    assert reply.status_code == status
    named = {} if "error" in said else {"shopDomain": DOMAIN}
    assert without_attempt(reply.json()) == {**said, **named}


@pytest.mark.parametrize("state", ["PENDING", "requested", "IN_PROGRESS"])
def test_the_answer_names_the_open_attempt(api: TestClient, shops: Shops, desk: Desk, state: str) -> None:
    shop = shops.in_state(state)

    reply = api.post("/api/sync/trigger", json={"shopId": shop.shop_id}, headers=INTERNAL)

    with desk.database.read() as session:
        assert session.get_one(SyncAttempt, reply.json()["attempt"]).shop_id == shop.shop_id


def test_a_program_may_name_the_shop_by_its_domain(api: TestClient, shops: Shops) -> None:
    shops.install()

    reply = api.post("/api/sync/trigger", json={"shopDomain": DOMAIN.upper()}, headers=INTERNAL)

    assert (reply.status_code, reply.json()["shopDomain"]) == (202, DOMAIN)


def test_a_program_cannot_sign_in_by_cookie(api: TestClient, shops: Shops) -> None:
    shops.sign_in(api, shops.install())

    reply = api.post("/api/sync/trigger", json={"shopDomain": DOMAIN}, headers=ORIGIN)

    assert (reply.status_code, reply.json()) == (401, {"error": "Unauthorized"})


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "The body is not JSON"),
        (b"", "The body is not JSON"),
        (b"\xff\xfe", "The body is not JSON"),
        (b'{"shopId": "\\ud800"}', "The body is not JSON"),
        (b"[" * 5000, "The body is not JSON"),
        (b"[]", "The body must be a JSON object"),
        (b"null", "The body must be a JSON object"),
        (b"{}", "shopId is required"),
        (b'{"shopId": ""}', "shopId is required"),
        (b'{"shopId": null, "other": 1}', "shopId is required"),
        (b'{"shopId": 7}', "shopId must be a string"),
        (b'{"shopId": {"$ne": null}}', "shopId must be a string"),
        (b'{"shopDomain": ["a"]}', "shopDomain must be a string"),
        (b'{"shopDomain": "evil.example"}', "shop must be a domain like name.myshopify.com"),
        (b'{"shopId": "a\\u0000b"}', "shopId must be at most 500 characters, without NUL"),
        (b'{"shopId": "x", "mode": "all"}', "mode must be one of changes, everything"),
        (b'{"shopId": "x", "mode": 1}', "mode must be a string"),
        (b'{"shopId": "x", "reason": false}', "reason must be a string"),
    ],
)
def test_a_wrong_body_is_refused_with_its_field(api: TestClient, body: bytes, words: str) -> None:
    reply = api.post("/api/sync/trigger", content=body, headers=INTERNAL)

    assert (reply.status_code, reply.json()) == (400, {"error": words})


@pytest.mark.parametrize(("length", "status"), [(499, 404), (500, 404), (501, 400)])
def test_an_id_has_at_most_500_characters(api: TestClient, length: int, status: int) -> None:
    reply = api.post("/api/sync/trigger", json={"shopId": "x" * length}, headers=INTERNAL)

    assert reply.status_code == status


@pytest.mark.parametrize("body", [{"shopId": "nobody"}, {"shopDomain": "nobody.myshopify.com"}])
def test_an_unknown_shop_is_not_found(api: TestClient, body: dict[str, str]) -> None:
    reply = api.post("/api/sync/trigger", json=body, headers=INTERNAL)

    assert (reply.status_code, reply.json()) == (404, {"error": "Shop not found"})


def test_unknown_fields_are_ignored(api: TestClient, shops: Shops) -> None:
    shop = shops.install()

    reply = api.post("/api/sync/trigger", json={"shopId": shop.shop_id, "colour": []}, headers=INTERNAL)

    assert reply.status_code == 202


def test_a_trigger_stands_in_the_audit_with_its_reason(api: TestClient, shops: Shops, desk: Desk) -> None:
    shop = shops.install()

    api.post("/api/sync/trigger", json={"shopId": shop.shop_id, "reason": "ticket 7"}, headers=INTERNAL)

    with desk.database.read() as session:
        row = session.query(Audit).one()
    assert (row.actor, row.act, row.shop_id, row.reason, row.origin) == ("api", "sync", shop.shop_id, "ticket 7", "api")


def test_everything_is_asked_for_by_its_mode(api: TestClient, shops: Shops, desk: Desk) -> None:
    shop = shops.install()

    reply = api.post("/api/sync/trigger", json={"shopId": shop.shop_id, "mode": "everything"}, headers=INTERNAL)

    with desk.database.read() as session:
        assert session.get_one(SyncAttempt, reply.json()["attempt"]).mode == "everything"


@pytest.mark.parametrize("path", ["/api/sync", "/api/sync/status"])
def test_without_a_cookie_no_shop_is_connected(api: TestClient, path: str) -> None:
    reply = api.request("POST" if path == "/api/sync" else "GET", path, headers=ORIGIN)

    assert (reply.status_code, reply.json()) == (401, {"error": "No shop connected"})


FORGED = ["{said}.{other}", "x{said}.{signed}", "{said}", "{said}.", ".{signed}", "ä", ""]


@pytest.mark.parametrize("forged", FORGED)
def test_a_cookie_that_we_did_not_sign_connects_nothing(api: TestClient, shops: Shops, forged: str) -> None:
    shops.sign_in(api, shops.install())
    said, _, signed = api.cookies["shopsync_shop"].partition(".")
    value = forged.format(said=said, signed=signed, other="0" * 64)

    api.cookies.clear()
    reply = api.get("/api/sync/status", headers={"Cookie": f"shopsync_shop={value}".encode("latin-1")})

    assert reply.status_code == 401


@pytest.mark.parametrize(("hours", "status"), [(0.001, 200), (0, 401), (-1, 401)])
def test_a_cookie_ends(api: TestClient, shops: Shops, hours: float, status: int) -> None:
    shops.sign_in(api, shops.install(), hours=hours)

    assert api.get("/api/sync/status").status_code == status


def test_a_cookie_of_the_install_before_connects_nothing(api: TestClient, shops: Shops, desk: Desk) -> None:
    before = shops.install()
    shops.sign_in(api, before)
    shops.set(before.shop_id, generation=2)

    assert api.get("/api/sync/status").status_code == 401


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:8501", 202),
        ("http://127.0.0.1:8502", 403),
        ("https://127.0.0.1:8501", 403),
        ("http://evil.example", 403),
        ("http://127.0.0.1:8501.evil.example", 403),
        ("http://127.0.0.1:99999999", 403),
        ("null", 403),
        ("", 403),
    ],
)
def test_a_cookie_counts_only_from_our_own_page(api: TestClient, shops: Shops, origin: str, status: int) -> None:
    shops.sign_in(api, shops.install())

    assert api.post("/api/sync", headers={"Origin": origin}).status_code == status


def test_status_shows_what_the_run_itself_wrote(api: TestClient, shops: Shops, desk: Desk) -> None:
    shop = shops.install()
    claim = shops.claim(shop.shop_id)
    shops.sign_in(api, shop)
    progress = {
        "shop": {"done": 1, "total": 1, "skipped": None, "ended": True},
        "products": {"done": 1240, "total": 2000, "skipped": None, "ended": False},
        "orders": {"done": 0, "total": None, "skipped": "scope", "ended": False},
    }
    with desk.database.write() as session:
        lifecycle.checkpoint(
            session,
            claim,
            cursor={},
            progress=progress,
            usage=lifecycle.Usage(3, 10, 100),
            now=desk.clock(),
            settings=desk.settings,
        )

    said = api.get("/api/sync/status").json()

    assert said["syncStatus"] == "IN_PROGRESS"
    assert {name: said["progress"][name] for name in ("done", "total", "resource", "percent")} == {
        "done": 1241,
        "total": 2001,
        "resource": "products",
        "percent": 62,
    }
    assert [one["resource"] for one in said["progress"]["resources"]] == ["shop", "products", "orders"]


def test_a_failed_shop_says_why_and_when_it_is_tried_again(api: TestClient, shops: Shops) -> None:
    shop = shops.in_state("FAILED")
    shops.set(shop.shop_id, error_message="Shopify answered 503")
    shops.sign_in(api, shop)

    said = api.get("/api/sync/status").json()

    assert said["error"] == "Shopify answered 503"
    assert said["nextAttemptAt"] == "2026-11-02T09:30:10.000Z"


@pytest.mark.parametrize("hold", [hold for hold in Hold if hold is not Hold.UNINSTALLED])
def test_a_held_shop_is_told_in_a_merchants_words(api: TestClient, shops: Shops, hold: Hold) -> None:
    shops.sign_in(api, shops.in_state(hold))

    said = api.get("/api/sync/status").json()

    assert said["error"].endswith(".")
    assert said["nextAttemptAt"] is None


@pytest.mark.parametrize(
    ("age", "stopped", "worker"),
    [
        (44, False, "alive"),
        (45, False, "alive"),
        (46, False, "silent since 2026-11-02T09:29:14.000Z"),
        (1, True, "silent since 2026-11-02T09:29:59.000Z"),
    ],
)
def test_status_says_whether_anybody_works(
    api: TestClient, shops: Shops, *, age: int, stopped: bool, worker: str
) -> None:
    shops.sign_in(api, shops.install())
    seen = shops.desk.clock() - timedelta(seconds=age)
    beat = Heartbeat(process="scheduler@a:1", role="scheduler", host="a", pid=1, version="0", workers=4)
    beat.started_at, beat.seen_at, beat.stopped_at = seen, seen, seen if stopped else None
    with shops.desk.database.write() as session:
        session.add(beat)

    assert api.get("/api/sync/status").json()["worker"] == worker


def test_a_process_without_workers_is_no_worker(api: TestClient, shops: Shops, desk: Desk) -> None:
    shops.sign_in(api, shops.install())
    now = desk.clock()
    web = Heartbeat(process="web@a:1", role="web", host="a", pid=1, version="0", started_at=now, seen_at=now)
    with desk.database.write() as session:
        session.add(web)

    assert api.get("/api/sync/status").json()["worker"] == "silent since it was installed"


def test_a_waiting_trigger_answers_when_the_sync_has_completed(api: TestClient, shops: Shops) -> None:
    shop = shops.install()

    with somebody_who(shops, shop.shop_id, lambda *given, **more: lifecycle.complete(*given, held={}, **more)):
        reply = api.post("/api/sync/trigger?wait=1", json={"shopId": shop.shop_id}, headers=INTERNAL)

    said = {"success": True, "message": "Sync completed", "shopDomain": DOMAIN}
    assert (reply.status_code, without_attempt(reply.json())) == (200, said)


def test_a_waiting_trigger_tells_the_error_of_a_failed_sync(api: TestClient, shops: Shops) -> None:
    shop = shops.install()

    with somebody_who(shops, shop.shop_id, fail):
        reply = api.post("/api/sync/trigger?wait=1", json={"shopId": shop.shop_id}, headers=INTERNAL)

    assert (reply.status_code, reply.json()["error"]) == (500, "nobody answered")


def test_a_waiting_trigger_gives_up_with_202(shops: Shops, desk: Desk) -> None:
    shop = shops.install()
    api = client_of(replace(desk, patience_seconds=0.05))

    reply = api.post("/api/sync/trigger?wait=1", json={"shopId": shop.shop_id}, headers=INTERNAL)

    assert (reply.status_code, reply.json()["message"]) == (202, "Sync still running")


def fail(session: Session, claim: lifecycle.Claim, *, now: datetime, settings: Settings, **_more: Any) -> None:
    lifecycle.fail(session, claim, error=Unavailable("nobody answered"), now=now, settings=settings)


@contextmanager
def somebody_who(shops: Shops, shop_id: str, ends: Callable[..., object]) -> Iterator[None]:
    """A worker beside the test, which takes the shop as soon as it is requested and ends the run."""
    desk, over = shops.desk, Event()

    def work() -> None:
        claim = None
        while claim is None and not over.wait(0.01):
            with desk.database.write() as session:
                claim = lifecycle.claim_shop(session, shop_id, owner="x", now=desk.clock(), settings=desk.settings)
                if claim is not None:
                    given = {"cursor": {}, "progress": {}, "usage": lifecycle.Usage(1, 1, 1)}
                    ends(session, claim, now=desk.clock(), settings=desk.settings, **given)

    worker = Thread(target=work)
    worker.start()
    try:
        yield
    finally:
        over.set()
        worker.join()


def without_attempt(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name != "attempt"}
