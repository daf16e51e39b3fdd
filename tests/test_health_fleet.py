"""The fleet now: who needs a person, who is alive, and the sentence that says so."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from sync_core import health
from sync_core.config import Settings
from sync_core.explain import Action, Who
from sync_core.health import Answering, Fleet, Kind, Picture
from sync_core.models import ShopSync
from sync_core.states import Hold, Status
from tests.conftest import Ago
from tests.health_rows import Rows


@pytest.fixture
def rows(session: Session, now: datetime) -> Rows:
    return Rows(session, now)


@pytest.fixture
def watched(rows: Rows, ago: Ago) -> Rows:
    """Rows of an installation whose scheduler is alive and whose checks run."""
    rows.beat("scheduler", ago(seconds=4), workers=16, running=2)
    rows.sweep(ago(minutes=5))
    return rows


@pytest.fixture
def look(session: Session, now: datetime, settings: Settings) -> object:
    return lambda: health.fleet(session, now=now, settings=settings)


def say(moment: datetime) -> str:
    return f"{moment:%H:%M}"


def sentence(fleet: Fleet) -> str:
    return health.verdict(fleet, say=say).text


def test_an_empty_installation_says_that_no_shop_is_installed(look) -> None:
    fleet = look()

    assert sentence(fleet) == "No shop is installed yet."
    assert (fleet.installed, fleet.groups, fleet.shopify.kind) == (0, (), Answering.NOT_ASKED)


def test_shops_are_counted_by_status_and_uninstalled_ones_are_no_longer_installed(watched: Rows, look) -> None:
    for status in (Status.COMPLETED, Status.COMPLETED, Status.IN_PROGRESS):
        watched.shop(status=status)
    watched.shop(hold=Hold.UNINSTALLED)

    fleet = look()

    assert (fleet.installed, fleet.syncing, fleet.waiting) == (3, 1, 0)
    assert sum(fleet.by_hold.values()) == 0
    assert sentence(fleet) == "All 3 shops fine; 1 syncing."


@pytest.mark.parametrize(("minutes", "seconds", "n"), [(9, 59, 0), (10, 0, 0), (10, 1, 1)])
def test_a_shop_due_for_more_than_ten_minutes_is_overdue(
    watched: Rows, ago: Ago, look, *, minutes: int, seconds: int, n: int
) -> None:
    watched.shop(status=Status.PENDING, due_at=ago(minutes=minutes, seconds=seconds))

    assert look().overdue == n


@pytest.mark.parametrize(
    ("values", "n"),
    [
        ({"priority": 0}, 1),
        ({"priority": 1}, 1),
        ({"priority": 2}, 0),
        ({"hold": Hold.FROZEN, "status": Status.FAILED}, 0),
    ],
)
def test_refreshes_and_held_shops_are_never_overdue(watched: Rows, ago: Ago, look, values: dict, n: int) -> None:
    watched.shop(**({"status": Status.PENDING, "due_at": ago(hours=2)} | values))

    assert look().overdue == n


@pytest.mark.parametrize(
    ("hold", "who", "action"),
    [
        (Hold.REAUTHORISE, Who.MERCHANT, Action.LINK),
        (Hold.SCOPE, Who.MERCHANT, Action.LINK),
        (Hold.FROZEN, Who.MERCHANT, Action.SYNC),
        (Hold.LOCKED, Who.SHOPIFY, Action.SYNC),
        (Hold.GONE, Who.MERCHANT, Action.INSTALL_LINK),
    ],
)
def test_a_blocked_shop_needs_a_person_since_its_trouble_began(
    watched: Rows, ago: Ago, look, *, hold: Hold, who: Who, action: Action
) -> None:
    watched.shop(status=Status.FAILED, hold=hold, failures=3, failing_since=ago(minutes=41), since=ago(minutes=1))

    (need,) = look().needs

    assert (need.cause, need.who, need.action) == (hold.value, who, action)
    assert need.since == ago(minutes=41)


@pytest.mark.parametrize("hold", [Hold.UNINSTALLED, Hold.STOPPED])
def test_uninstalled_and_stopped_shops_need_nobody(watched: Rows, look, hold: Hold) -> None:
    watched.shop(status=Status.FAILED, hold=hold)

    assert look().groups == ()


@pytest.mark.parametrize(("attention", "retrying", "needs"), [(False, 1, 0), (True, 0, 1)])
def test_a_failing_shop_retries_by_itself_until_it_is_flagged(
    watched: Rows, ago: Ago, look, *, attention: bool, retrying: int, needs: int
) -> None:
    next_try = ago(minutes=-1)
    watched.shop(status=Status.FAILED, failures=11, attention=attention, due_at=next_try, failing_since=ago(hours=1))

    fleet = look()

    assert (fleet.retrying, fleet.needs_n) == (retrying, needs)
    assert fleet.retrying_next_at == (next_try if retrying else None)


@pytest.mark.parametrize(("error", "who"), [("internal", Who.US), (None, Who.US), ("unavailable", Who.SHOPIFY)])
def test_who_must_act_on_a_shop_that_fails_again_and_again(
    watched: Rows, ago: Ago, look, error: str | None, who: Who
) -> None:
    watched.shop(status=Status.FAILED, failures=12, attention=True, error_class=error, due_at=ago(minutes=-1))

    (group,) = look().groups

    assert (group.cause, group.who) == ("attention", who)


def test_needs_are_grouped_by_cause_the_longest_waiting_first(watched: Rows, ago: Ago, look) -> None:
    for name, minutes in (("nordic", 41), ("casa", 52)):
        held = {"hold": Hold.REAUTHORISE, "failures": 1, "failing_since": ago(minutes=minutes)}
        watched.profile(watched.shop(name, status=Status.FAILED, **held), name.capitalize())
    watched.shop("kitsune", status=Status.FAILED, failures=12, attention=True, failing_since=ago(minutes=45))

    fleet = look()

    assert [(group.cause, group.n) for group in fleet.groups] == [("reauthorise", 2), ("attention", 1)]
    assert [need.name for need in fleet.needs] == ["Casa", "Nordic", "kitsune.myshopify.com"]
    assert sentence(fleet) == "3 shops need you; the oldest waits 52 min."


def test_more_shops_of_one_cause_than_are_listed_are_still_counted(watched: Rows, look) -> None:
    for _ in range(55):
        watched.shop(status=Status.FAILED, hold=Hold.FROZEN, failures=1)

    (group,) = look().groups

    assert (group.n, len(group.rows), group.capped) == (55, 6, False)


def test_overdue_shops_cannot_be_synced_while_no_worker_is_alive(rows: Rows, ago: Ago, look) -> None:
    rows.beat("scheduler", ago(hours=11), workers=16)
    rows.sweep(ago(hours=11, minutes=2))
    rows.shop(status=Status.PENDING, due_at=ago(hours=10))

    fleet = look()

    assert (fleet.needs[0].cause, fleet.needs[0].action) == ("overdue", Action.OFF)
    assert fleet.picture is Picture.SCHEDULER_DEAD
    assert sentence(fleet) == "The safety check has not run since 22:30: open System."


@pytest.mark.parametrize(("seconds", "alive"), [(44, True), (45, True), (46, False)])
def test_a_process_is_silent_after_three_missed_beats(rows: Rows, ago: Ago, look, seconds: int, alive: bool) -> None:
    rows.beat("scheduler", ago(seconds=seconds), workers=16)

    assert look().scheduler.alive is alive
    assert look().workers.alive is alive


def test_a_process_that_stopped_in_order_is_not_alive(rows: Rows, ago: Ago, look) -> None:
    rows.beat("worker", ago(seconds=1), workers=16, stopped_at=ago(seconds=1))

    assert look().workers.alive is False


def test_a_web_process_runs_no_syncs(rows: Rows, ago: Ago, look) -> None:
    rows.beat("web", ago(seconds=1))

    assert look().workers.alive is False
    assert look().workers.seen_at is None


def test_checks_by_a_cron_stand_in_for_a_dead_scheduler(rows: Rows, ago: Ago, look) -> None:
    rows.shop()
    rows.beat("scheduler", ago(hours=1))
    rows.sweep(ago(minutes=3), by="cron")

    assert sentence(look()) == "The one shop is fine."


@pytest.mark.parametrize(("minutes", "kind"), [(10, Kind.FINE), (11, Kind.CHECKS_SILENT)])
def test_no_good_check_for_two_periods_is_the_first_thing_said(
    rows: Rows, ago: Ago, look, minutes: int, kind: Kind
) -> None:
    rows.shop()
    rows.beat("scheduler", ago(seconds=1))
    rows.sweep(ago(minutes=minutes))
    rows.sweep(ago(minutes=1), ended_at=None)

    assert health.verdict(look(), say=say).kind is kind


def test_checks_that_run_and_fail_are_said_to_fail_and_where_their_error_stands(rows: Rows, ago: Ago, look) -> None:
    rows.shop()
    rows.beat("scheduler", ago(seconds=1))
    rows.sweep(ago(minutes=11))
    rows.sweep(ago(minutes=1), error="OperationalError: no such table")

    fleet = look()

    assert sentence(fleet) == "The safety check fails since 09:19: open Checks."
    assert fleet.picture is Picture.CHECKS_FAIL
    assert fleet.checks.failed is not None
    assert fleet.checks.failed.error == "OperationalError: no such table"


def test_shops_that_wait_without_any_worker_are_said_first(rows: Rows, ago: Ago, look) -> None:
    rows.beat("scheduler", ago(seconds=1))
    rows.sweep(ago(minutes=1))
    calm = look()
    rows.shop(status="PENDING", due_at=ago(minutes=1), wake_at=ago(minutes=1))
    rows.shop(status="FAILED", failures=1, failing_since=ago(minutes=1), due_at=ago(seconds=-30))

    fleet = look()

    assert health.verdict(calm, say=say).kind is Kind.EMPTY
    assert sentence(fleet) == "2 shops wait for a sync, and no worker is alive: open System."
    assert (fleet.picture, fleet.needs_first) == (Picture.NO_WORKER, "a worker")


@pytest.mark.parametrize(("seconds", "calm"), [(45, True), (46, False)])
def test_a_scheduler_that_is_started_again_is_awaited(rows: Rows, ago: Ago, look, *, seconds: int, calm: bool) -> None:
    rows.shop()
    rows.beat("scheduler", ago(seconds=seconds), workers=16, stopped_at=ago(seconds=seconds))
    rows.sweep(ago(minutes=1))

    assert (health.verdict(look(), say=say).kind is Kind.FINE) is calm


def test_shops_without_any_check_ever_are_said_to_be_unwatched(rows: Rows, look) -> None:
    rows.shop()

    assert sentence(look()) == "The safety check has never run: open System."


def test_the_checks_since_the_last_one_are_counted_as_missed(rows: Rows, ago: Ago, look) -> None:
    rows.sweep(ago(hours=1), opened=3, over_limit=2)

    checks = look().checks

    assert (checks.missed, checks.found, checks.over_limit) == (11, 3, 2)
    assert checks.next_at == ago(minutes=-5)


@pytest.mark.parametrize(
    ("silent", "answering", "kind"),
    [(2, 0, Answering.WELL), (3, 2, Answering.FAILING), (3, 3, Answering.WELL), (4, 3, Answering.FAILING)],
)
def test_shopify_is_failing_when_most_of_the_asked_shops_got_no_answer(
    watched: Rows, ago: Ago, look, *, silent: int, answering: int, kind: Answering
) -> None:
    for nth in range(silent):
        shop_id = watched.shop(
            status=Status.FAILED, failures=1, failing_since=ago(minutes=9 - nth), due_at=ago(minutes=-1)
        )
        watched.attempt(shop_id, ago(minutes=2), "failed", error_class="unavailable")
    for _ in range(answering):
        watched.attempt(watched.shop(), ago(minutes=2), "completed")

    state = look().shopify

    assert (state.kind, state.failing, state.asked) == (kind, silent, silent + answering)


def test_shopify_failing_is_said_with_since_when_most_got_no_answer(watched: Rows, ago: Ago, look) -> None:
    for minutes in (3000, 9, 8):
        failing = {"failures": 2, "failing_since": ago(minutes=minutes), "due_at": ago(minutes=-1)}
        watched.attempt(
            watched.shop(status=Status.FAILED, **failing), ago(minutes=2), "failed", error_class="unavailable"
        )

    assert sentence(look()) == "Shopify is failing for 3 of 3 shops since 09:21: nothing to do."


def test_only_the_newest_try_of_a_shop_says_whether_shopify_answers(watched: Rows, ago: Ago, look) -> None:
    shop_id = watched.shop()
    watched.attempt(shop_id, ago(minutes=5), "failed", error_class="unavailable")
    watched.attempt(shop_id, ago(minutes=4), "completed")
    watched.attempt(watched.shop(), ago(minutes=16), "failed", error_class="unavailable")

    state = look().shopify

    assert (state.kind, state.failing, state.asked) == (Answering.WELL, 0, 1)


def test_the_three_pictures_of_silence_differ(watched: Rows, ago: Ago, look, session: Session) -> None:
    nothing = look().picture
    watched.shop(status=Status.PENDING, due_at=ago(seconds=1))
    due = look().picture
    watched.sweep(ago(seconds=30), over_limit=7)

    assert (nothing, due, look().picture) == (Picture.NOTHING_DUE, Picture.WORKING, Picture.OVER_LIMIT)


@pytest.mark.parametrize(
    ("shops", "retrying", "text"),
    [
        (1, 1, "No shop needs you; 1 of 1 retries by itself."),
        (12, 2, "No shop needs you; 2 of 12 retry by themselves."),
        (12, 0, "All 12 shops fine."),
    ],
)
def test_the_sentence_agrees_with_its_numbers(
    watched: Rows, ago: Ago, look, *, shops: int, retrying: int, text: str
) -> None:
    for nth in range(shops):
        trouble = {"status": Status.FAILED, "failures": 1, "due_at": ago(minutes=-1)} if nth < retrying else {}
        watched.shop(**trouble)

    assert sentence(look()) == text


def test_a_count_beyond_the_cap_says_so(watched: Rows, session: Session, now: datetime, look) -> None:
    plain = {"status": "COMPLETED", "since": now, "installed_at": now, "authorised_at": now}
    many = [{"shop_id": f"{nth}", "shop_domain": f"{nth}.myshopify.com", **plain} for nth in range(10_001)]
    session.bulk_insert_mappings(ShopSync.__mapper__, many)

    assert sentence(look()) == "All 10,000+ shops fine."


def test_heartbeats_list_the_living_first_and_forget_after_a_day(
    rows: Rows, session: Session, now: datetime, ago: Ago
) -> None:
    rows.beat("worker", ago(hours=1), workers=4)
    rows.beat("web", ago(seconds=60), stopped_at=ago(seconds=60))
    rows.beat("scheduler", ago(seconds=46) + timedelta(seconds=2), clock_offset=0.2)
    rows.beat("old", ago(days=2))

    listed = health.heartbeats(session, now=now)

    assert [(each.role, each.alive) for each in listed] == [("scheduler", True), ("web", False), ("worker", False)]
