"""The facts: what counts as late, dead, stuck, failing and blocked, on both engines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from sync_core.alerts.judge import judge
from sync_core.alerts.look import look
from sync_core.alerts.snapshot import Facts
from sync_core.config import Settings
from sync_core.states import Hold, Status
from tests.conftest import Ago
from tests.health_rows import Rows

See = Callable[[], Facts]


@pytest.fixture
def rows(session: Session, now: datetime) -> Rows:
    return Rows(session, now)


@pytest.fixture
def see(session: Session, now: datetime, settings: Settings) -> See:
    return lambda: look(session, now=now, settings=settings)


def names(hits: tuple[object, ...]) -> list[str]:
    return [hit.domain.split(".")[0] for hit in hits]  # type: ignore[attr-defined]


def test_an_empty_database_has_nothing_to_tell(see: See) -> None:
    facts = see()

    assert (facts.anybody, facts.last_good_at, facts.watched_since) == (False, None, None)
    assert judge(facts) == ()


def test_the_last_good_check_is_the_last_that_ended_without_an_error(rows: Rows, ago: Ago, see: See) -> None:
    rows.sweep(ago(minutes=11))
    rows.sweep(ago(minutes=6), error="OperationalError", over_limit=4)
    rows.sweep(ago(minutes=1), ended_at=None)

    facts = see()

    assert facts.last_good_at == ago(minutes=11)
    assert facts.check_error == "OperationalError"
    assert facts.over_limit == 0


def test_a_failure_before_a_good_check_is_over(rows: Rows, ago: Ago, see: See) -> None:
    rows.sweep(ago(minutes=9), error="OperationalError")
    rows.sweep(ago(minutes=6))

    assert see().check_error is None


@pytest.mark.parametrize(("seconds", "error"), [(599, "OperationalError"), (600, "OperationalError"), (601, None)])
def test_a_check_that_failed_two_periods_ago_tells_of_no_present_failing(
    rows: Rows, ago: Ago, see: See, *, seconds: int, error: str | None
) -> None:
    rows.sweep(ago(seconds=seconds), error="OperationalError")

    assert see().check_error == error


def test_a_check_that_its_schedulers_death_cut_off_is_not_said_to_fail(rows: Rows, ago: Ago, see: See) -> None:
    rows.sweep(ago(minutes=11))
    rows.sweep(ago(minutes=6), ended_at=None)

    cause = judge(see())[0].message.cause

    assert cause.startswith("No scheduler was ever started")


def test_late_shops_are_listed_longest_first_without_those_that_run(rows: Rows, ago: Ago, see: See) -> None:
    rows.shop("late", status=Status.PENDING, due_at=ago(minutes=11))
    rows.shop("later", status=Status.FAILED, due_at=ago(minutes=41))
    rows.shop("soon", status=Status.PENDING, due_at=ago(minutes=9))
    rows.shop("refresh", due_at=ago(hours=2), priority=2)
    rows.shop("dead", status=Status.IN_PROGRESS, due_at=ago(minutes=30))

    facts = see()

    assert (names(facts.waiting), facts.waiting_n) == (["later", "late"], 2)
    assert names(facts.leases) == ["dead"]


@pytest.mark.parametrize(("seconds", "n"), [(119, 0), (120, 0), (121, 1)])
def test_a_lease_is_past_two_minutes_after_its_end(rows: Rows, ago: Ago, see: See, *, seconds: int, n: int) -> None:
    rows.shop(status=Status.IN_PROGRESS, due_at=ago(seconds=seconds))

    assert len(see().leases) == n


@pytest.mark.parametrize(("seconds", "n"), [(659, 0), (660, 0), (661, 1)])
def test_a_run_stands_still_a_lease_after_its_worker_should_have_ended_it(
    rows: Rows, ago: Ago, see: See, *, seconds: int, n: int
) -> None:
    rows.shop(status=Status.IN_PROGRESS, progress_at=ago(seconds=seconds))

    assert len(see().stuck) == n


def test_shops_fail_by_class_and_are_blocked_by_reason(rows: Rows, ago: Ago, see: See) -> None:
    failing = {"status": Status.FAILED, "failures": 2, "since": ago(minutes=1), "failing_since": ago(minutes=30)}
    rows.shop("ours", error_class="internal", error_message="KeyError in products.py:41", **failing)
    rows.shop("again", error_class="internal", attention=True, **(failing | {"failures": 12}))
    old = {"failing_since": ago(hours=25)}
    rows.shop("frozen", error_class="frozen", hold=Hold.FROZEN, held_since=ago(minutes=20), **(failing | old))
    rows.shop("old", error_class="frozen", hold=Hold.FROZEN, held_since=ago(hours=25), **(failing | old))
    rows.shop("left", hold=Hold.UNINSTALLED)
    rows.shop("well")

    facts = see()

    assert sorted(names(facts.failing["internal"])) == ["again", "ours"]
    assert names(facts.blocked["frozen"]) == ["frozen"]
    assert facts.blocked["frozen"][0].changed_at == ago(minutes=20)
    assert {cause: n for cause, n in facts.blocked_n.items() if n} == {"frozen": 2}
    assert [hit.attention for hit in facts.failing["internal"] if hit.domain.startswith("again")] == [True]


def test_a_shop_in_which_worker_after_worker_dies_is_seen(rows: Rows, ago: Ago, see: See) -> None:
    dying, unlucky, old = rows.shop("dying", status=Status.IN_PROGRESS), rows.shop("unlucky"), rows.shop("old")
    for minutes in (50, 20, 5):
        rows.attempt(dying, ago(minutes=minutes), "orphaned")
    for minutes in (50, 20):
        rows.attempt(unlucky, ago(minutes=minutes), "orphaned")
    for minutes in (80, 60, 50):
        rows.attempt(old, ago(minutes=minutes), "orphaned")

    facts = see()

    assert names(facts.failing["orphaned"]) == ["dying"]
    assert [(alarm.key, alarm.severity) for alarm in judge(facts) if alarm.key.startswith("cause")] == [
        ("cause:orphaned", "ticket")
    ]


def test_a_check_that_took_longer_than_its_period_is_no_good_one(rows: Rows, ago: Ago, see: See) -> None:
    rows.sweep(ago(minutes=14), ended_at=ago(minutes=13))
    rows.sweep(ago(minutes=9), ended_at=ago(minutes=3))

    facts = see()

    assert facts.last_good_at == ago(minutes=14)
    assert facts.check_error == "it took 6 min, longer than its period of 5 min"


def test_a_probe_does_not_make_an_old_block_news(rows: Rows, ago: Ago, see: See) -> None:
    for _ in range(3):
        rows.shop(hold=Hold.FROZEN, status=Status.FAILED, since=ago(minutes=1), held_since=ago(hours=20))

    (alarm,) = judge(see())

    assert (alarm.key, alarm.severity) == ("cause:frozen", "ticket")


def test_processes_are_alive_by_their_last_sign(rows: Rows, ago: Ago, see: See) -> None:
    rows.beat("scheduler", ago(seconds=46), workers=16)
    rows.beat("worker", ago(seconds=45), workers=4, running=1, clock_offset=7.5)
    rows.beat("web", ago(minutes=1), stopped_at=ago(minutes=1))

    facts = see()

    assert (facts.scheduler_alive, facts.workers_alive, facts.workers_free) == (False, True, 3)
    assert [clock.offset for clock in facts.clocks] == [7.5]
    assert facts.scheduler_seen_at == ago(seconds=46)


@pytest.mark.parametrize(("n", "installed"), [(3, 0), (4, 9)])
def test_shops_are_counted_only_when_there_are_enough_late_ones_to_ask(
    rows: Rows, ago: Ago, see: See, *, n: int, installed: int
) -> None:
    for _ in range(n):
        rows.shop(status=Status.PENDING, due_at=ago(minutes=11))
    for _ in range(5):
        rows.shop()
    rows.shop(hold=Hold.UNINSTALLED)

    assert see().installed == installed


def test_an_install_that_was_synced_before_it_began_is_seen_for_an_hour(rows: Rows, ago: Ago, see: See) -> None:
    rows.installed(ago(minutes=59), claimed=3, synced=-1)
    rows.installed(ago(minutes=61), claimed=3, synced=-1)
    rows.installed(ago(minutes=30), claimed=3, synced=9)

    assert len(see().backwards) == 1


def test_shopify_fails_for_most_when_most_of_the_asked_got_no_answer(rows: Rows, ago: Ago, see: See) -> None:
    for nth in range(4):
        shop_id = rows.shop(status=Status.FAILED, failures=1, error_class="unavailable", failing_since=ago(minutes=9))
        rows.attempt(shop_id, ago(minutes=nth + 1), "failed", error_class="unavailable")

    facts = see()

    assert facts.shopify is not None
    assert (facts.shopify.failing, facts.shopify.asked) == (4, 4)
    assert [alarm.key for alarm in judge(facts)] == ["shopify"]
