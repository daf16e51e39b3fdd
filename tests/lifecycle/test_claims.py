"""Who gets a shop, in which order, and what becomes of the run that died."""

from __future__ import annotations

import threading

import pytest

from sync_core.errors import Held, Unavailable
from sync_core.lifecycle import Claim
from sync_core.models import ShopSync
from sync_core.states import Hold, Mode, Outcome, Priority, Status, Trigger
from tests.conftest import Clock
from tests.fleet import Fleet


@pytest.mark.parametrize(("seconds", "claimed"), [(9.999, 0), (10, 1), (10.001, 1)])
def test_an_install_wakes_by_itself_after_the_courtesy(
    fleet: Fleet, clock: Clock, seconds: float, claimed: int
) -> None:
    fleet.install()
    clock.advance(seconds=seconds)

    claims = fleet.claim()

    assert [claim.trigger for claim in claims] == [Trigger.WAKE] * claimed


def test_in_the_classic_profile_only_a_request_wakes_an_install(classic: Fleet, clock: Clock) -> None:
    shop_id = classic.install()
    clock.advance(days=1)
    before = classic.claim()

    classic.ask(shop_id, Trigger.SWEEP)
    after = classic.claim()

    assert before == []
    assert [claim.trigger for claim in after] == [Trigger.SWEEP]


def test_a_claim_takes_the_request_and_starts_the_lease(fleet: Fleet) -> None:
    shop_id = fleet.install()
    asked = fleet.ask(shop_id, Trigger.ONBOARDING)

    claim = fleet.claim()[0]

    sync, attempt = fleet.sync(shop_id), fleet.attempts(shop_id)[0]
    assert (claim.attempt_id, claim.fence, claim.number, claim.first) == (asked.attempt_id, 1, 1, True)
    assert (sync.status, sync.lease_owner, (sync.due_at - fleet.now).total_seconds()) == ("IN_PROGRESS", "worker-1", 60)
    assert (attempt.fence, attempt.taken_by, attempt.claimed_at) == (1, "worker-1", fleet.now)
    assert fleet.shop(shop_id).sync_status == "IN_PROGRESS"


def test_the_first_pick_up_of_an_install_is_stamped_once(fleet: Fleet, clock: Clock) -> None:
    shop_id = fleet.install()
    fleet.ask(shop_id, Trigger.ONBOARDING)
    first_at = fleet.now
    fleet.fail(fleet.claim()[0], Unavailable("Shopify answered 503"))
    clock.advance(minutes=1)

    fleet.claim()

    episode = fleet.installs(shop_id)[0]
    assert (episode.first_claimed_at, episode.path) == (first_at, "onboarding")


@pytest.mark.parametrize(("seconds", "taken"), [(59.999, False), (60, True), (60.001, True)])
def test_a_shop_whose_lease_expired_is_claimed_again(fleet: Fleet, clock: Clock, seconds: float, taken: bool) -> None:
    shop_id = fleet.install()
    fleet.claim_one(shop_id)
    clock.advance(seconds=seconds)

    claims = fleet.claim(owner="worker-2")

    assert bool(claims) is taken


def test_the_successor_of_a_dead_run_inherits_its_words_and_its_cursor(fleet: Fleet, clock: Clock) -> None:
    shop_id = fleet.install()
    fleet.ask(shop_id, actor="Ada", reason="merchant calls", mode=Mode.EVERYTHING)
    dead = fleet.claim()[0]
    fleet.checkpoint(dead, {"products": {"after": "page 3"}})
    clock.advance(seconds=60)

    claim = fleet.claim(owner="worker-2")[0]

    orphan, successor = fleet.attempts(shop_id)
    assert orphan.outcome == Outcome.ORPHANED
    assert (successor.trigger, successor.actor, successor.reason) == ("manual", "Ada", "merchant calls")
    assert (claim.mode, claim.fence) == (Mode.EVERYTHING, dead.fence + 1)
    assert claim.cursor == {"products": {"after": "page 3"}}


def test_a_held_shop_that_wakes_is_probed_with_its_hold(fleet: Fleet, clock: Clock) -> None:
    shop_id = fleet.install()
    fleet.fail(fleet.claim_one(shop_id), Held(Hold.FROZEN, "frozen"))
    clock.advance(hours=6)

    claim = fleet.claim()[0]

    assert (claim.trigger, claim.hold) == (Trigger.PROBE, Hold.FROZEN)
    assert (fleet.sync(shop_id).status, fleet.sync(shop_id).hold) == (Status.IN_PROGRESS, Hold.FROZEN)


def test_urgent_shops_go_first_then_the_longest_waiting(fleet: Fleet, clock: Clock) -> None:
    finished = fleet.synced("finished.myshopify.com")
    fleet.ask(finished, Trigger.SWEEP)
    clock.advance(seconds=1)
    older, newer = fleet.install("older.myshopify.com"), fleet.install("newer.myshopify.com")
    fleet.ask(older)
    clock.advance(seconds=1)
    fleet.ask(newer)

    claims = fleet.claim(limit=3)

    assert [claim.shop_id for claim in claims] == [older, newer, finished]


def test_a_place_for_the_longest_waiting_ignores_priority(fleet: Fleet, clock: Clock) -> None:
    finished = fleet.synced("finished.myshopify.com")
    fleet.ask(finished, Trigger.SWEEP)
    clock.advance(seconds=1)
    fleet.ask(fleet.install("urgent.myshopify.com"))

    claims = fleet.claim(limit=1, oldest=1)

    assert [claim.shop_id for claim in claims] == [finished]


@pytest.mark.parametrize(("seconds", "first"), [(59, "waiting"), (60, "orphan"), (61, "orphan")])
def test_a_shop_whose_lease_ended_goes_before_those_that_wait(
    fleet: Fleet, clock: Clock, seconds: int, first: str
) -> None:
    fleet.claim_one(fleet.install("orphan.myshopify.com"))
    for number in range(3):
        fleet.ask(fleet.install(f"waiting-{number}.myshopify.com"))
    clock.advance(seconds=seconds)

    claims = fleet.claim(limit=2, rescues=2)

    assert claims[0].shop_domain.startswith(first)
    assert len({claim.shop_id for claim in claims}) == 2


def test_a_place_for_the_longest_waiting_is_left_beside_a_rescue(fleet: Fleet, clock: Clock) -> None:
    finished = fleet.synced("finished.myshopify.com")
    fleet.ask(finished, Trigger.SWEEP)
    orphan = fleet.install("orphan.myshopify.com")
    fleet.claim_one(orphan)
    clock.advance(seconds=60)
    fleet.ask(fleet.install("urgent.myshopify.com"))

    claims = fleet.claim(limit=2, rescues=2, oldest=1)

    assert [claim.shop_id for claim in claims] == [orphan, finished]


def test_a_claim_takes_no_more_than_asked_for(fleet: Fleet) -> None:
    for number in range(5):
        fleet.ask(fleet.install(f"shop-{number}.myshopify.com"))

    claims = fleet.claim(limit=3)

    assert len({claim.shop_id for claim in claims}) == 3
    assert sum(fleet.sync(claim.shop_id).status == Status.IN_PROGRESS for claim in claims) == 3


def test_workers_that_claim_at_once_never_take_the_same_shop(fleet: Fleet) -> None:
    for number in range(24):
        fleet.ask(fleet.install(f"shop-{number}.myshopify.com"))
    taken: list[Claim] = []

    def work(owner: str) -> None:
        while claims := fleet.claim(owner=owner, limit=2):
            taken.extend(claims)

    threads = [threading.Thread(target=work, args=(f"worker-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(claim.shop_domain for claim in taken) == sorted(
        f"shop-{number}.myshopify.com" for number in range(24)
    )
    assert {claim.fence for claim in taken} == {1}


def test_shops_that_keep_failing_wait_behind_those_that_do_not(fleet: Fleet, clock: Clock) -> None:
    shop_id = fleet.install()
    for _ in range(4):
        fleet.fail(fleet.claim_one(shop_id), Unavailable("Shopify answered 503"))
        clock.advance(minutes=5)

    sync: ShopSync = fleet.sync(shop_id)

    assert (sync.failures, sync.priority) == (4, Priority.FAILING)


@pytest.mark.parametrize(("reserve", "taken"), [(0, 2), (1, 1), (2, 0)])
def test_reserved_places_are_for_the_most_urgent_only(fleet: Fleet, reserve: int, taken: int) -> None:
    for name in ("one", "two"):
        fleet.ask(fleet.synced(f"{name}.myshopify.com"), Trigger.SWEEP)

    claims = fleet.claim(limit=2, reserve=reserve)

    assert len(claims) == taken
