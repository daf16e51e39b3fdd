"""Everything of one shop, and its life in the screen's words."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from sync_core import health
from sync_core.config import Settings
from sync_core.explain import explain
from sync_core.health import Mark, ShopView
from sync_core.models import Audit, Note, Token, Transition, WebhookInbox
from sync_core.states import Hold, Status
from tests.conftest import Ago
from tests.health_rows import Rows
from tests.test_explain import CODE_WORDS

DOMAIN = "one.myshopify.com"


@pytest.fixture
def rows(session: Session, now: datetime, ago: Ago) -> Rows:
    rows = Rows(session, now)
    rows.beat("scheduler", ago(seconds=4), workers=16)
    return rows


@pytest.fixture
def look(session: Session, now: datetime, settings: Settings):
    def looked(domain: str = DOMAIN) -> ShopView:
        view = health.shop(session, domain=domain, now=now, settings=settings)
        assert view is not None
        return view

    return looked


def test_an_unknown_shop_is_none(session: Session, now: datetime, settings: Settings) -> None:
    assert health.shop(session, domain=DOMAIN, now=now, settings=settings) is None


def test_a_shop_is_found_by_domain_in_any_case_or_by_id(rows: Rows, look) -> None:
    rows.shop("one")

    assert look(" ONE.myshopify.com").shop_id == look("id-one").shop_id == "id-one"


def test_a_running_shop_tells_its_progress_rate_and_what_is_left(rows: Rows, ago: Ago, look) -> None:
    progress = {
        "shop": {"done": 1, "total": 1, "skipped": None, "ended": True},
        "products": {"done": 1250, "total": 2000, "skipped": None, "ended": False, "seconds_left": 30.0},
        "customers": {"done": 0, "total": 250, "skipped": None, "ended": False, "seconds_left": 11.0},
        "orders": {"done": 0, "total": None, "skipped": "scope missing", "ended": True},
    }
    rows.shop("one", status=Status.IN_PROGRESS, progress_at=ago(seconds=1))
    rows.attempt(
        "id-one", None, None, trigger="manual", actor="Ada Lindqvist", progress=progress, claimed_at=ago(seconds=50)
    )

    run = look().situation.run

    assert run is not None
    assert [(step.resource, step.rate, step.seconds_left) for step in run.steps][1] == ("products", 25.0, 30.0)
    assert run.seconds_left == 40.0
    said = explain(look().situation, say=lambda moment: f"{moment:%H:%M}")
    assert said.headline == "Syncing now: products at 62 %, about 40 s left."


def test_what_is_left_is_unknown_while_a_total_is(rows: Rows, ago: Ago, look) -> None:
    progress = {"products": {"done": 10, "total": None, "skipped": None, "ended": False}}
    rows.shop("one", status=Status.IN_PROGRESS, progress_at=ago(seconds=1))
    rows.attempt("id-one", None, None, progress=progress, claimed_at=ago(seconds=10))

    run = look().situation.run

    assert run is not None
    assert (run.steps[0].rate, run.seconds_left) == (None, None)


def test_the_queue_before_a_shop_is_counted_by_priority_and_age(rows: Rows, ago: Ago, look) -> None:
    rows.shop("one", status=Status.PENDING, priority=1, wake_at=ago(minutes=1))
    for priority, minutes in ((0, 0), (1, 2), (1, 0), (2, 9), (0, -1)):
        rows.shop(status=Status.PENDING, priority=priority, wake_at=ago(minutes=minutes))

    assert look().situation.ahead == 2


@pytest.mark.parametrize(
    ("due", "wake", "minutes"), [(3, 3, 3), (3, None, 5), (5, None, 5), (6, None, 10), (None, None, None), (3, 1, 1)]
)
def test_the_next_step_by_itself_is_the_wake_or_the_next_check_after_it_is_due(
    rows: Rows, ago: Ago, look, *, due: int | None, wake: int | None, minutes: int | None
) -> None:
    moment = {None: None, **{n: ago(minutes=-n) for n in (1, 3, 5, 6, 10)}}
    rows.shop("one", status=Status.FAILED, failures=1, due_at=moment[due], wake_at=moment[wake])

    assert look().situation.next_at == moment[minutes]


def test_the_token_is_never_read_only_when_it_ends(rows: Rows, now: datetime, ago: Ago, look) -> None:
    rows.shop("one")
    secrets = {"access_token": "planted-marker-1", "refresh_token": "planted-marker-2"}
    rows.add(
        Token(
            shop_id="id-one",
            version=3,
            expires_at=ago(minutes=-30),
            scopes="read_products, read_orders",
            stored_at=now,
            **secrets,
        )
    )

    view = look()

    assert view.token is not None
    assert (view.token.version, view.token.scopes) == (3, ("read_products", "read_orders"))
    assert "planted-marker" not in repr(view)


def test_what_we_hold_and_the_last_webhook_are_shown(rows: Rows, ago: Ago, look) -> None:
    held = {
        "products": {"rows": {"products": 10, "variants": 31}, "as_of": ago(hours=6).isoformat(), "skipped": None},
        "orders": {"rows": {}, "as_of": None, "skipped": "permission missing"},
    }
    rows.shop("one", held=held)
    for nth in (5, 2):
        own = {"topic": f"products/update-{nth}", "shop_domain": DOMAIN, "received_at": ago(minutes=nth), "body": "{}"}
        rows.add(WebhookInbox(webhook_id=f"{nth}", **own))

    view = look()

    assert [(each.resource, each.rows, each.as_of) for each in view.held] == [
        ("products", {"products": 10, "variants": 31}, ago(hours=6)),
        ("orders", {}, None),
    ]
    assert view.situation.skipped == ("orders",)
    assert view.last_webhook is not None
    assert view.last_webhook.topic == "products/update-2"


def test_the_open_attempt_comes_first_and_twenty_are_shown(rows: Rows, ago: Ago, look) -> None:
    rows.shop("one")
    for minutes in range(25):
        rows.attempt("id-one", ago(minutes=minutes), "completed")
    asked = rows.attempt("id-one", None, None, requested_at=ago(hours=2), claimed_at=None, fence=None)

    view = look()

    assert view.open is not None
    assert (view.open.id, view.attempts[0].id, len(view.attempts)) == (asked, asked, 20)


@pytest.fixture
def lived(rows: Rows, ago: Ago) -> Rows:
    """A shop with one of everything in its life."""
    rows.shop("one", generation=2, first_synced_at=ago(hours=30))
    rows.install("id-one", ago(days=3), left=3600, path="onboarding", claimed=2)
    rows.install("id-one", ago(hours=30, seconds=110), generation=2, claimed=12, synced=110, path="wake")
    second = {"generation": 2, "claimed_at": ago(hours=20, seconds=10)}
    rows.attempt(
        "id-one", ago(hours=20), "failed", error_class="unavailable", http_status=503, request_id="41d0", **second
    )
    progress = {"products": {"done": 3, "total": 3, "skipped": None, "ended": True}}
    rows.attempt("id-one", ago(hours=20) + timedelta(seconds=15), "completed", trigger="retry", progress=progress)
    for nth, outcome in enumerate(("orphaned", "released", "stolen", "cancelled")):
        rows.attempt(
            "id-one",
            ago(hours=10 + nth),
            outcome,
            trigger="manual",
            actor="Jon Berg",
            mode="everything",
            reason="Asked.",
        )
    rows.attempt("id-one", None, None, trigger="webhook")
    for hours, before, after in (
        (60, None, Hold.STOPPED),
        (50, None, Hold.FROZEN),
        (49, Hold.FROZEN, None),
        (48, None, Hold.UNINSTALLED),
    ):
        own = {"from_status": "FAILED", "to_status": "FAILED", "event": "x", "who": "Jon Berg", "why": "Asked"}
        rows.add(
            Transition(shop_id="id-one", generation=1, at=ago(hours=hours), from_hold=before, to_hold=after, **own)
        )
    rows.add(Note(shop_id="id-one", at=ago(hours=5), by="Jon Berg", text="Merchant pays on Monday.", ticket="T-12"))
    for act in ("stop", "copy_link"):
        rows.add(Audit(at=ago(hours=4), actor="Jon Berg", act=act, shop_id="id-one", reason="Asked", origin="page"))
    return rows


def test_the_timeline_tells_a_shops_life_newest_first_in_the_screens_words(lived: Rows, look) -> None:
    entries = health.timeline(look())

    titles = [entry.title for entry in entries]
    assert [entry.at for entry in entries] == sorted((entry.at for entry in entries), reverse=True)
    assert not [title for title in titles if CODE_WORDS.search(title)]
    assert set(Mark) - {Mark.WAITING} <= {entry.mark for entry in entries} | {Mark.WAITING}
    for told in (
        *("Installed", "Installed again (install no. 2)", "First data after 1 min 50 s", "Uninstalled by the merchant"),
        *(
            "The browser came; started 2 s after install",
            "The browser was closed; started automatically 12 s after install",
        ),
        *("Blocked: plan frozen", "Free again; before: plan frozen", "Stopped by Jon Berg", "Note by Jon Berg"),
        "Changes, tried again automatically · failed: Shopify too slow or down; healed by itself 15 s later",
        *(
            "Everything, started by Jon Berg · worker died, continued by another",
            "Everything, started by Jon Berg · taken over",
        ),
        *("Everything, started by Jon Berg · handed over at restart", "Copy link, by Jon Berg"),
    ):
        assert told in titles


def test_an_attempt_unfolds_to_error_request_id_and_counts(lived: Rows, look) -> None:
    entries = health.timeline(look())

    failed = next(entry for entry in entries if entry.mark is Mark.FAILED and "failed" in entry.title)
    done = next(entry for entry in entries if "done in" in entry.title)
    assert ("Shopify's answer", "503") in failed.details
    assert ("Shopify's request", "41d0") in failed.details
    assert ("Stored", "3 of products") in done.details
    assert done.attempt_id is not None
