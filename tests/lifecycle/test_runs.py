"""What a run may write, and what its end means."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync_core.errors import (
    Held,
    NotFound,
    Refused,
    SecurityRejected,
    StaleClaim,
    Stalled,
    Throttled,
    Unavailable,
)
from sync_core.lifecycle import Claim, moments
from sync_core.states import Hold, Outcome, Priority, Status, Trigger
from tests.conftest import Clock
from tests.fleet import Fleet

SIX_HOURS, A_DAY = timedelta(hours=6), timedelta(days=1)


@pytest.fixture
def claim(fleet: Fleet) -> Claim:
    return fleet.claim_one(fleet.install())


def test_a_page_prolongs_the_lease_and_keeps_the_cursor(fleet: Fleet, claim: Claim, clock: Clock) -> None:
    clock.advance(seconds=30)

    fleet.checkpoint(claim, {"products": {"after": "page 1"}})

    sync = fleet.sync(claim.shop_id)
    assert (sync.due_at, sync.wake_at) == (fleet.now + timedelta(seconds=60),) * 2
    assert sync.cursor == {"products": {"after": "page 1"}}


def test_a_renewal_prolongs_both_moments_of_the_lease(fleet: Fleet, claim: Claim, clock: Clock) -> None:
    clock.advance(seconds=15)

    fleet.renew(claim)

    sync = fleet.sync(claim.shop_id)
    assert (sync.due_at, sync.wake_at) == (fleet.now + timedelta(seconds=60),) * 2


def test_a_lease_under_the_classic_profile_is_the_sweeps_to_find(classic: Fleet) -> None:
    claim = classic.claim_one(classic.install())

    classic.renew(claim)

    sync = classic.sync(claim.shop_id)
    assert (sync.due_at, sync.wake_at) == (classic.now + timedelta(seconds=60), None)


@pytest.mark.parametrize("verb", ["checkpoint", "renew", "complete", "release", "fail"])
def test_a_worker_whose_claim_is_over_writes_nothing(fleet: Fleet, claim: Claim, clock: Clock, verb: str) -> None:
    clock.advance(seconds=61)
    fleet.claim(owner="worker-2")
    before = fleet.sync(claim.shop_id)

    with pytest.raises(StaleClaim):
        getattr(fleet, verb)(claim, *([Unavailable("late")] if verb == "fail" else []))

    after = fleet.sync(claim.shop_id)
    assert (after.fence, after.status, after.due_at, after.cursor) == (
        before.fence,
        before.status,
        before.due_at,
        before.cursor,
    )


def test_a_finished_run_cannot_write_again(fleet: Fleet, claim: Claim) -> None:
    fleet.complete(claim)

    with pytest.raises(StaleClaim):
        fleet.checkpoint(claim)


def test_completion_clears_trouble_and_stamps_the_first_success_once(fleet: Fleet, claim: Claim, clock: Clock) -> None:
    fleet.fail(claim, Unavailable("Shopify answered 503"))
    clock.advance(minutes=1)
    fleet.complete(fleet.claim()[0])
    first_at = fleet.now
    clock.advance(hours=1)

    fleet.complete(fleet.claim_one(claim.shop_id))

    sync = fleet.sync(claim.shop_id)
    assert (sync.status, sync.failures, sync.error_class, sync.due_at) == ("COMPLETED", 0, None, None)
    assert (sync.first_synced_at, sync.last_synced_at) == (first_at, fleet.now)
    assert fleet.installs(claim.shop_id)[0].first_synced_at == first_at
    assert fleet.shop(claim.shop_id).last_sync_at == fleet.now


@pytest.mark.parametrize(("failures", "step"), [(1, 15), (2, 60), (3, 300), (4, 300), (20, 300)])
def test_failures_are_retried_by_back_off_until_success(fleet: Fleet, claim: Claim, failures: int, step: int) -> None:
    for _ in range(failures - 1):
        fleet.fail(claim, Unavailable("Shopify answered 503"))
        claim = fleet.claim_one(claim.shop_id)

    failed = fleet.fail(claim, Unavailable("Shopify answered 503"))

    assert failed.next_at is not None
    wait = (failed.next_at - fleet.now).total_seconds()
    assert step * 0.8 <= wait <= step
    assert fleet.sync(claim.shop_id).wake_at == fleet.sync(claim.shop_id).due_at


@pytest.mark.parametrize(("failures", "flagged"), [(11, False), (12, True), (13, True)])
def test_twelve_straight_failures_ask_for_attention(fleet: Fleet, claim: Claim, failures: int, flagged: bool) -> None:
    for _ in range(failures - 1):
        fleet.fail(claim, Unavailable("Shopify answered 503"))
        claim = fleet.claim_one(claim.shop_id)

    fleet.fail(claim, Unavailable("Shopify answered 503"))

    assert fleet.sync(claim.shop_id).attention is flagged
    assert fleet.sync(claim.shop_id).due_at is not None


@pytest.mark.parametrize(
    ("error", "least"), [(Throttled("429", retry_after=120.5), 120.5), (SecurityRejected("430"), 300)]
)
def test_a_wait_that_shopify_asks_for_is_kept(fleet: Fleet, claim: Claim, error: Exception, least: float) -> None:
    failed = fleet.fail(claim, error)

    assert failed.next_at is not None
    assert (failed.next_at - fleet.now).total_seconds() == pytest.approx(least)


@pytest.mark.parametrize(
    ("hold", "wait"),
    [(Hold.REAUTHORISE, None), (Hold.FROZEN, SIX_HOURS), (Hold.LOCKED, SIX_HOURS), (Hold.SCOPE, A_DAY)],
)
def test_a_hold_is_probed_or_waits_for_a_person(fleet: Fleet, claim: Claim, hold: Hold, wait: timedelta | None) -> None:
    fleet.fail(claim, Held(hold, "blocked", status=402))

    sync = fleet.sync(claim.shop_id)
    due = None if wait is None else fleet.now + wait
    assert (sync.status, sync.hold, sync.due_at, sync.wake_at) == (Status.FAILED, hold, due, due)
    assert (sync.priority, sync.error_class) == (Priority.LOW, hold.value)


def test_a_refusal_of_an_old_token_does_not_block_a_fresh_one(fleet: Fleet, claim: Claim) -> None:
    fleet.install()

    fleet.fail(claim, Held(Hold.REAUTHORISE, "refused"))

    sync = fleet.sync(claim.shop_id)
    assert (sync.status, sync.hold, sync.due_at) == (Status.FAILED, None, fleet.now)


def test_a_shop_that_is_not_found_three_times_is_gone(fleet: Fleet, claim: Claim, clock: Clock) -> None:
    waits = []
    for _ in range(3):
        failed = fleet.fail(claim, NotFound("404"))
        assert failed.next_at is not None
        waits.append(failed.next_at - fleet.now)
        clock.advance(seconds=waits[-1].total_seconds())
        claim = fleet.claim()[0] if len(waits) < 3 else claim

    assert waits == [timedelta(minutes=20), timedelta(minutes=40), A_DAY]
    assert fleet.sync(claim.shop_id).hold == Hold.GONE


def test_a_probe_that_succeeds_clears_the_hold(fleet: Fleet, claim: Claim, clock: Clock) -> None:
    fleet.fail(claim, Held(Hold.FROZEN, "frozen"))
    clock.advance(hours=6)

    fleet.complete(fleet.claim()[0])

    assert (fleet.sync(claim.shop_id).status, fleet.sync(claim.shop_id).hold) == (Status.COMPLETED, None)


def test_a_probe_that_fails_for_another_reason_keeps_the_hold(fleet: Fleet, claim: Claim, clock: Clock) -> None:
    fleet.fail(claim, Held(Hold.FROZEN, "frozen"))
    clock.advance(hours=6)

    fleet.fail(fleet.claim()[0], Unavailable("503"))

    assert fleet.sync(claim.shop_id).hold == Hold.FROZEN
    assert fleet.sync(claim.shop_id).due_at is not None


def test_a_released_run_is_requested_again_with_its_words_and_no_failure(fleet: Fleet) -> None:
    shop_id = fleet.install()
    fleet.ask(shop_id, actor="Ada", reason="merchant calls")
    claim = fleet.claim()[0]

    fleet.release(claim)

    released, successor = fleet.attempts(shop_id)
    sync = fleet.sync(shop_id)
    assert (released.outcome, successor.trigger, successor.actor) == (Outcome.RELEASED, "manual", "Ada")
    assert (sync.status, sync.failures, sync.fence, sync.wake_at) == ("PENDING", 0, claim.fence + 1, fleet.now)


def test_a_released_probe_keeps_its_hold(fleet: Fleet, claim: Claim, clock: Clock) -> None:
    fleet.fail(claim, Held(Hold.FROZEN, "frozen"))
    clock.advance(hours=6)

    fleet.release(fleet.claim()[0])

    sync = fleet.sync(claim.shop_id)
    assert (sync.status, sync.hold, sync.wake_at) == (Status.FAILED, Hold.FROZEN, fleet.now)
    assert fleet.claim()[0].trigger is Trigger.PROBE


@pytest.mark.parametrize(("seconds", "stalled"), [(599.999, False), (600, False), (600.001, True)])
def test_a_run_without_progress_is_stalled(
    fleet: Fleet, claim: Claim, clock: Clock, seconds: float, stalled: bool
) -> None:
    clock.advance(seconds=seconds)

    try:
        fleet.renew(claim, progressed_at=claim.claimed_at)
        found = False
    except Stalled:
        found = True

    assert found is stalled


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (Unavailable("a"), "unavailable"),
        (Throttled("a"), "throttled"),
        (Refused("a"), "refused"),
        (Stalled("a"), "stalled"),
        (KeyError("email ada@example.com"), "internal"),
    ],
)
def test_a_failure_is_booked_under_its_cause_without_secrets(
    fleet: Fleet, claim: Claim, error: Exception, name: str
) -> None:
    fleet.fail(claim, error)

    attempt = fleet.attempts(claim.shop_id)[0]
    assert (attempt.outcome, attempt.error_class) == (Outcome.FAILED, name)
    assert "@" not in str(attempt.error_message)


def test_a_token_in_an_error_is_never_stored(fleet: Fleet, claim: Claim) -> None:
    fleet.fail(claim, Unavailable("bad header shpat_0123abcd", request_id="r-1", status=503))

    attempt = fleet.attempts(claim.shop_id)[0]
    assert "shpat" not in str(attempt.error_message)
    assert (attempt.http_status, attempt.request_id) == (503, "r-1")


def test_a_refresh_is_booked_after_success_when_asked_for(fleet: Fleet, claim: Claim) -> None:
    daily = Fleet(fleet.database, fleet.settings.model_copy(update={"refresh_hours": 24.0}))

    daily.complete(claim)

    sync = fleet.sync(claim.shop_id)
    assert sync.due_at is not None
    assert A_DAY * 0.9 <= sync.due_at - fleet.now <= A_DAY * 1.1
    assert (sync.wake_at, sync.priority) == (sync.due_at, Priority.LOW)


def test_shops_that_were_synced_together_are_refreshed_over_a_fifth_of_the_period(fleet: Fleet) -> None:
    daily = fleet.settings.model_copy(update={"refresh_hours": 24.0})

    waits = [moments.refresh(fleet.now, daily) for _ in range(1_000)]

    hours = sorted((moment - fleet.now).total_seconds() / 3600 for moment in waits if moment)
    assert len(hours) == 1_000
    assert 21.6 <= hours[0] < 21.7
    assert 26.3 < hours[-1] <= 26.4


def test_since_when_a_shop_is_blocked_is_kept_whatever_is_tried_meanwhile(
    fleet: Fleet, claim: Claim, clock: Clock
) -> None:
    fleet.fail(claim, Unavailable("503"))
    clock.advance(hours=1)
    blocked_at = fleet.now
    fleet.fail(fleet.claim()[0], Held(Hold.FROZEN, "frozen"))
    clock.advance(hours=6)
    probe = fleet.claim()[0]
    trying = fleet.sync(claim.shop_id)
    fleet.fail(probe, Held(Hold.FROZEN, "frozen"))
    still = fleet.sync(claim.shop_id)
    clock.advance(hours=6)
    fleet.fail(fleet.claim()[0], Held(Hold.LOCKED, "locked"))
    other = fleet.sync(claim.shop_id)
    locked_at = fleet.now
    clock.advance(hours=6)

    fleet.complete(fleet.claim()[0])

    assert (trying.held_since, still.held_since, still.since > blocked_at) == (blocked_at, blocked_at, True)
    assert (other.held_since, fleet.sync(claim.shop_id).held_since) == (locked_at, None)
