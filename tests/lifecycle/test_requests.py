"""Opening a request, taking over, stopping: who may, who joins, who is refused."""

from __future__ import annotations

import pytest

from sync_core import lifecycle
from sync_core.errors import Forbidden, Held, StaleClaim, Unavailable, UnknownShop
from sync_core.lifecycle import Answer, rows
from sync_core.states import Hold, Mode, Outcome, Priority, Status, Trigger
from tests.conftest import Clock
from tests.fleet import Fleet


def test_a_request_makes_a_shop_pending_due_and_awake_now(fleet: Fleet) -> None:
    shop_id = fleet.synced()

    asked = fleet.ask(shop_id, Trigger.API)

    sync = fleet.sync(shop_id)
    assert asked.answer is Answer.OPENED
    assert (sync.status, sync.due_at, sync.wake_at) == (Status.PENDING, fleet.now, fleet.now)
    assert fleet.shop(shop_id).sync_status == "PENDING"
    assert sync.first_synced_at is not None


def test_a_second_request_joins_the_open_one(fleet: Fleet) -> None:
    shop_id = fleet.install()
    first = fleet.ask(shop_id, Trigger.ONBOARDING)

    second = fleet.ask(shop_id, Trigger.ONBOARDING)

    assert second.answer is Answer.JOINED
    assert second.attempt_id == first.attempt_id
    assert len(fleet.attempts(shop_id)) == 1


def test_a_person_who_joins_raises_priority_and_mode_and_starts_from_nothing(fleet: Fleet, clock: Clock) -> None:
    shop_id = fleet.synced()
    claim = fleet.claim_one(shop_id)
    fleet.checkpoint(claim, {"products": {"after": "page 3"}})
    fleet.fail(claim, Unavailable("Shopify answered 503"))
    clock.advance(minutes=1)
    fleet.ask(shop_id, Trigger.SWEEP)

    fleet.ask(shop_id, Trigger.MANUAL, mode=Mode.EVERYTHING)

    sync = fleet.sync(shop_id)
    assert (sync.priority, sync.cursor) == (Priority.FIRST, {})
    assert fleet.attempts(shop_id)[-1].mode == Mode.EVERYTHING


def test_a_person_who_joins_a_refresh_that_waits_goes_first(fleet: Fleet) -> None:
    shop_id = fleet.synced()
    fleet.ask(shop_id, Trigger.SWEEP)
    before = fleet.sync(shop_id).priority

    fleet.ask(shop_id, Trigger.MANUAL)

    assert (before, fleet.sync(shop_id).priority) == (Priority.LOW, Priority.FIRST)


def test_the_sweep_joining_does_not_make_a_waiting_request_look_new(fleet: Fleet, clock: Clock) -> None:
    shop_id = fleet.install()
    fleet.ask(shop_id, Trigger.ONBOARDING)
    asked_at = fleet.now
    clock.advance(minutes=11)

    fleet.ask(shop_id, Trigger.SWEEP)

    sync = fleet.sync(shop_id)
    assert (sync.due_at, sync.wake_at) == (asked_at, fleet.now)


def test_a_request_leaves_a_live_run_alone(fleet: Fleet) -> None:
    shop_id = fleet.install()
    fleet.claim_one(shop_id)
    before = fleet.sync(shop_id)

    asked = fleet.ask(shop_id)

    after = fleet.sync(shop_id)
    assert asked.answer is Answer.RUNNING
    assert (after.due_at, after.wake_at, after.fence) == (before.due_at, before.wake_at, before.fence)


def test_a_request_on_an_expired_lease_only_wakes_the_shop(classic: Fleet, clock: Clock) -> None:
    shop_id = classic.install()
    claim = classic.claim_one(shop_id)
    clock.advance(seconds=60)

    asked = classic.ask(shop_id)

    sync = classic.sync(shop_id)
    assert asked.answer is Answer.RUNNING
    assert (sync.wake_at, sync.fence, sync.status) == (classic.now, claim.fence, Status.IN_PROGRESS)


def test_the_onboarding_page_does_not_sync_a_finished_shop_again(fleet: Fleet) -> None:
    shop_id = fleet.synced()

    asked = fleet.ask(shop_id, Trigger.ONBOARDING)

    assert (asked.answer, asked.why) == (Answer.SKIPPED, "Already synced")
    assert fleet.sync(shop_id).status == Status.COMPLETED


def test_a_webhook_leaves_a_failed_shop_to_its_retry(fleet: Fleet) -> None:
    shop_id = fleet.install()
    fleet.fail(fleet.claim_one(shop_id), Unavailable("Shopify answered 503"))

    asked = fleet.ask(shop_id, Trigger.WEBHOOK)

    assert asked.answer is Answer.SKIPPED
    assert fleet.sync(shop_id).status == Status.FAILED


@pytest.mark.parametrize("hold", [Hold.FROZEN, Hold.LOCKED, Hold.SCOPE])
def test_a_person_clears_a_hold_that_a_sync_may_find_gone(fleet: Fleet, hold: Hold) -> None:
    shop_id = fleet.install()
    fleet.fail(fleet.claim_one(shop_id), Held(hold, "blocked"))

    asked = fleet.ask(shop_id, Trigger.MANUAL)

    assert asked.answer is Answer.OPENED
    assert (fleet.sync(shop_id).status, fleet.sync(shop_id).hold) == (Status.PENDING, None)


def test_nobody_syncs_a_shop_that_needs_the_merchant_to_authorise(fleet: Fleet) -> None:
    shop_id = fleet.install()
    fleet.fail(fleet.claim_one(shop_id), Held(Hold.REAUTHORISE, "refused"))

    answers = {trigger: fleet.ask(shop_id, trigger).answer for trigger in (Trigger.MANUAL, Trigger.ONBOARDING)}

    assert set(answers.values()) == {Answer.REFUSED}
    assert fleet.sync(shop_id).hold == Hold.REAUTHORISE


@pytest.mark.parametrize("trigger", [Trigger.ONBOARDING, Trigger.MANUAL, Trigger.API, Trigger.WEBHOOK, Trigger.SWEEP])
def test_an_uninstalled_shop_is_refused_to_everybody(fleet: Fleet, clock: Clock, trigger: Trigger) -> None:
    shop_id = fleet.install()
    clock.advance(minutes=1)
    fleet.uninstall()

    asked = fleet.ask(shop_id, trigger)

    assert (asked.answer, asked.why) == (Answer.REFUSED, "Shop is uninstalled")
    assert [attempt for attempt in fleet.attempts(shop_id) if attempt.ended_at is None] == []


def test_the_sweep_probes_a_held_shop_and_keeps_its_hold(fleet: Fleet) -> None:
    shop_id = fleet.install()
    fleet.fail(fleet.claim_one(shop_id), Held(Hold.FROZEN, "frozen"))

    asked = fleet.ask(shop_id, Trigger.SWEEP)

    sync = fleet.sync(shop_id)
    assert asked.answer is Answer.OPENED
    assert (sync.status, sync.hold, sync.priority) == (Status.FAILED, Hold.FROZEN, Priority.LOW)
    assert fleet.attempts(shop_id)[-1].trigger == Trigger.PROBE


def test_an_unknown_shop_is_an_error(fleet: Fleet) -> None:
    with pytest.raises(UnknownShop):
        fleet.ask("nobody")


def test_a_take_over_ends_the_run_and_asks_anew(fleet: Fleet) -> None:
    shop_id = fleet.install()
    claim = fleet.claim_one(shop_id)

    asked = fleet.take_over(shop_id)

    stolen, successor = fleet.attempts(shop_id)
    assert (stolen.outcome, successor.id, successor.ended_at) == (Outcome.STOLEN, asked.attempt_id, None)
    assert (fleet.sync(shop_id).status, fleet.sync(shop_id).fence) == (Status.PENDING, claim.fence + 1)
    with pytest.raises(StaleClaim):
        fleet.complete(claim)


def test_a_take_over_of_a_full_pass_goes_on_with_it(fleet: Fleet) -> None:
    shop_id = fleet.synced()
    fleet.ask(shop_id, mode=Mode.EVERYTHING)
    claim = fleet.claim()[0]
    fleet.checkpoint(claim, {"products": {"after": "page 3"}})

    fleet.take_over(shop_id)

    assert fleet.attempts(shop_id)[-1].mode == Mode.EVERYTHING
    assert fleet.sync(shop_id).cursor == {"products": {"after": "page 3"}}


def test_stopping_ends_the_run_and_nothing_starts_by_itself(fleet: Fleet, clock: Clock) -> None:
    shop_id = fleet.install()
    claim = fleet.claim_one(shop_id)

    fleet.stop(shop_id)

    sync = fleet.sync(shop_id)
    clock.advance(days=30)
    assert (sync.status, sync.hold, sync.due_at, sync.wake_at) == (Status.FAILED, Hold.STOPPED, None, None)
    assert fleet.claim() == []
    with pytest.raises(StaleClaim):
        fleet.checkpoint(claim)


def test_stopping_a_finished_shop_leaves_it_finished(fleet: Fleet) -> None:
    shop_id = fleet.synced()

    fleet.stop(shop_id)

    assert (fleet.sync(shop_id).status, fleet.sync(shop_id).hold) == (Status.COMPLETED, Hold.STOPPED)


def test_a_person_starts_a_stopped_shop_again(fleet: Fleet) -> None:
    shop_id = fleet.install()
    fleet.stop(shop_id)

    fleet.ask(shop_id)

    assert (fleet.sync(shop_id).status, fleet.sync(shop_id).hold) == (Status.PENDING, None)


def test_an_uninstalled_shop_cannot_be_stopped(fleet: Fleet, clock: Clock) -> None:
    shop_id = fleet.install()
    clock.advance(minutes=1)
    fleet.uninstall()

    with pytest.raises(Forbidden):
        fleet.stop(shop_id)


def test_a_forbidden_change_of_status_is_an_exception(fleet: Fleet) -> None:
    shop_id = fleet.install()

    with fleet.database.write() as session:
        shop = lifecycle.locked(session, shop_id)
        event = lifecycle.Event("wrong", fleet.now)

        with pytest.raises(Forbidden):
            rows.change(session, [shop], event, status=Status.COMPLETED)
