"""Installs, re-installs, uninstalls, and what the app writes by itself."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from sync_core import credentials, install
from sync_core.app_models import Shop
from sync_core.config import Settings
from sync_core.db import Database
from sync_core.errors import Held, StaleClaim, Unavailable
from sync_core.models import Sweep, Token
from sync_core.states import Hold, Outcome, Status, Trigger
from tests.conftest import Clock
from tests.fleet import PAIR, Fleet

DOMAIN = "one.myshopify.com"


@pytest.fixture
def fleet(database: Database, settings: Settings) -> Fleet:
    return Fleet(database, settings)


def adopt_all(fleet: Fleet) -> int:
    with fleet.database.write() as session:
        own = {"now": fleet.now, "settings": fleet.settings, "vault": fleet.vault}
        return sum(install.adopt_shop(session, shop_id, **own) for shop_id in install.to_adopt(session))


def app_writes(fleet: Fleet, **values: object) -> None:
    with fleet.database.write() as session:
        session.execute(update(Shop).values(**values))


def app_inserts(fleet: Fleet, *, status: str, installed_at: datetime, **values: object) -> str:
    with fleet.database.write() as session:
        fields = {"shop_domain": DOMAIN, "access_token": "shpat_of_the_app", "scopes": "", **values}
        session.add(Shop(id="app-1", sync_status=status, installed_at=installed_at, **fields))
    return "app-1"


def test_an_install_is_pending_with_token_and_deadlines(fleet: Fleet) -> None:
    shop_id = fleet.install()

    sync, episode = fleet.sync(shop_id), fleet.installs(shop_id)[0]
    assert (sync.status, sync.generation, sync.token_version) == (Status.PENDING, 1, 1)
    assert (sync.due_at, sync.wake_at) == (fleet.now + timedelta(seconds=180), fleet.now + timedelta(seconds=10))
    assert episode.pickup_deadline == fleet.now + timedelta(minutes=13)
    assert episode.success_deadline == fleet.now + timedelta(hours=24)
    assert fleet.events(shop_id) == ["installed"]


def test_tokens_are_stored_only_encrypted(fleet: Fleet) -> None:
    shop_id = fleet.install()

    with fleet.database.read() as session:
        row, stored = session.get_one(Token, shop_id), credentials.load(session, shop_id, fleet.vault)
        app_token = session.execute(select(Shop.access_token)).scalar_one()

    assert stored is not None
    assert stored.pair == PAIR
    assert "planted_marker" not in row.access_token + str(row.refresh_token) + app_token
    assert "planted_marker" not in repr(stored)


def test_authorising_again_replaces_the_token_and_keeps_the_generation(fleet: Fleet) -> None:
    shop_id = fleet.synced()

    fleet.install()

    sync = fleet.sync(shop_id)
    assert (sync.status, sync.generation, sync.token_version) == (Status.COMPLETED, 1, 2)
    assert len(fleet.installs(shop_id)) == 1


@pytest.mark.parametrize("hold", [Hold.REAUTHORISE, Hold.SCOPE])
def test_authorising_again_clears_what_a_new_token_mends(fleet: Fleet, hold: Hold) -> None:
    shop_id = fleet.install()
    fleet.fail(fleet.claim_one(shop_id), Held(hold, "blocked"))

    fleet.install()

    sync = fleet.sync(shop_id)
    assert (sync.status, sync.hold, sync.due_at, sync.wake_at) == (Status.FAILED, None, fleet.now, fleet.now)


def test_authorising_again_does_not_unfreeze_a_shop(fleet: Fleet) -> None:
    shop_id = fleet.install()
    fleet.fail(fleet.claim_one(shop_id), Held(Hold.FROZEN, "frozen"))

    fleet.install()

    assert fleet.sync(shop_id).hold == Hold.FROZEN


def test_authorising_again_wakes_a_probe_that_waits(fleet: Fleet) -> None:
    shop_id = fleet.install()
    fleet.fail(fleet.claim_one(shop_id), Held(Hold.SCOPE, "blocked"))
    fleet.ask(shop_id, Trigger.SWEEP)

    fleet.install()

    sync = fleet.sync(shop_id)
    assert (sync.status, sync.hold, sync.wake_at) == (Status.PENDING, None, fleet.now)


def test_authorising_again_leaves_a_running_probe_alone(fleet: Fleet, clock: Clock) -> None:
    shop_id = fleet.install()
    fleet.fail(fleet.claim_one(shop_id), Held(Hold.SCOPE, "blocked"))
    clock.advance(days=1)
    fleet.claim()
    lease_end = fleet.sync(shop_id).due_at
    clock.advance(seconds=5)

    fleet.install()

    sync = fleet.sync(shop_id)
    assert (sync.status, sync.hold, sync.due_at, sync.wake_at) == (Status.IN_PROGRESS, None, lease_end, lease_end)


def test_an_uninstall_erases_the_token_and_ends_the_run(fleet: Fleet, clock: Clock) -> None:
    shop_id = fleet.install()
    claim = fleet.claim_one(shop_id)
    clock.advance(minutes=1)

    fleet.uninstall()

    sync = fleet.sync(shop_id)
    assert (sync.status, sync.hold, sync.due_at, sync.wake_at) == ("FAILED", Hold.UNINSTALLED, None, None)
    assert fleet.attempts(shop_id)[0].outcome == Outcome.CANCELLED
    assert (fleet.shop(shop_id).access_token, fleet.shop(shop_id).uninstalled_at) == ("", fleet.now)
    with pytest.raises(StaleClaim):
        fleet.checkpoint(claim)
    with fleet.database.read() as session:
        assert credentials.load(session, shop_id, fleet.vault) is None


@pytest.mark.parametrize(("seconds", "obeyed"), [(-1, False), (0, False), (1, True)])
def test_an_uninstall_older_than_the_authorisation_is_ignored(
    fleet: Fleet, clock: Clock, seconds: float, obeyed: bool
) -> None:
    authorised_at = fleet.now
    shop_id = fleet.install(authorised_at=authorised_at)
    clock.advance(minutes=1)

    done = fleet.uninstall(triggered_at=authorised_at + timedelta(seconds=seconds))

    assert done is obeyed
    assert (fleet.sync(shop_id).hold == Hold.UNINSTALLED) is obeyed


def test_an_uninstall_that_comes_twice_does_nothing_the_second_time(fleet: Fleet, clock: Clock) -> None:
    fleet.install()
    clock.advance(minutes=1)
    fleet.uninstall()

    again = fleet.uninstall()

    assert again is False


def test_a_re_install_starts_the_next_generation_from_nothing(fleet: Fleet, clock: Clock) -> None:
    shop_id = fleet.synced()
    fence = fleet.sync(shop_id).fence
    clock.advance(minutes=1)
    fleet.uninstall()
    clock.advance(minutes=1)

    fleet.install()

    sync = fleet.sync(shop_id)
    first, second = fleet.installs(shop_id)
    assert (sync.status, sync.hold, sync.generation, sync.first_synced_at) == (Status.PENDING, None, 2, None)
    assert sync.fence > fence
    assert (first.withdrawn_at, second.installed_at) == (fleet.now - timedelta(minutes=1), fleet.now)
    assert fleet.shop(shop_id).uninstalled_at is None


def test_an_uninstall_moves_the_fence(fleet: Fleet, clock: Clock) -> None:
    claim = fleet.claim_one(fleet.install())
    clock.advance(minutes=1)

    fleet.uninstall()

    assert fleet.sync(claim.shop_id).fence == claim.fence + 1


def test_a_re_install_takes_over_nothing_from_the_episode_before(fleet: Fleet, clock: Clock) -> None:
    shop_id = fleet.synced()
    claim = fleet.claim_one(shop_id)
    fleet.checkpoint(claim, {"products": {"after": "page 3"}})
    later = clock.advance(days=1)
    app_writes(fleet, installed_at=later, access_token="shpat_new")

    adopt_all(fleet)

    sync = fleet.sync(shop_id)
    assert (sync.cursor, sync.held, sync.fence) == ({}, {}, claim.fence + 1)
    assert fleet.attempts(shop_id)[-1].outcome == Outcome.CANCELLED


def authorise_and_die(fleet: Fleet) -> None:
    with fleet.database.write() as session:
        own = {"now": fleet.now, "settings": fleet.settings, "vault": fleet.vault}
        install.register(session, domain=DOMAIN, pair=PAIR, authorised_at=fleet.now, **own)
        raise ZeroDivisionError


def test_a_callback_that_dies_before_its_commit_leaves_nothing(fleet: Fleet) -> None:
    with pytest.raises(ZeroDivisionError):
        authorise_and_die(fleet)

    with fleet.database.read() as session:
        assert session.execute(select(Shop.id)).all() == []


def test_an_unknown_shop_cannot_be_uninstalled(fleet: Fleet) -> None:
    assert fleet.uninstall("nobody.myshopify.com") is False


def test_a_pending_row_of_the_apps_is_due_after_the_grace(fleet: Fleet) -> None:
    installed_at = fleet.now - timedelta(minutes=1)
    shop_id = app_inserts(fleet, status="PENDING", installed_at=installed_at)

    adopt_all(fleet)

    sync = fleet.sync(shop_id)
    assert (sync.status, sync.due_at) == (Status.PENDING, installed_at + timedelta(seconds=180))
    assert sync.token_version == 1
    assert fleet.shop(shop_id).access_token == "shpat_of_the_app"


@pytest.mark.parametrize(
    ("status", "due"), [("IN_PROGRESS", timedelta(minutes=15)), ("FAILED", timedelta(0)), ("COMPLETED", None)]
)
def test_a_row_of_the_apps_keeps_its_status(fleet: Fleet, status: str, due: timedelta | None) -> None:
    shop_id = app_inserts(fleet, status=status, installed_at=fleet.now - timedelta(days=9))

    adopt_all(fleet)

    sync = fleet.sync(shop_id)
    assert (sync.status, sync.due_at) == (status, None if due is None else fleet.now + due)
    assert (sync.first_synced_at is None) is (status != "COMPLETED")


def test_what_was_adopted_is_not_adopted_again(fleet: Fleet) -> None:
    app_inserts(fleet, status="FAILED", installed_at=fleet.now - timedelta(days=9))
    adopt_all(fleet)

    again = adopt_all(fleet)

    assert again == 0


def test_installs_from_before_our_first_sign_of_life_are_not_watched(fleet: Fleet) -> None:
    with fleet.database.write() as session:
        session.add(Sweep(period_seconds=300, profile="prompt", by="test", begun_at=fleet.now))
    shop_id = app_inserts(fleet, status="PENDING", installed_at=fleet.now - timedelta(seconds=1))

    adopt_all(fleet)

    assert fleet.installs(shop_id)[0].watched is False


def test_the_apps_pending_on_a_finished_shop_asks_for_everything_again(fleet: Fleet) -> None:
    shop_id = fleet.synced()
    app_writes(fleet, sync_status="PENDING")

    adopt_all(fleet)

    assert (fleet.sync(shop_id).status, fleet.sync(shop_id).generation) == (Status.PENDING, 2)


def test_a_later_install_written_by_the_app_is_a_re_install(fleet: Fleet, clock: Clock) -> None:
    shop_id = fleet.synced()
    later = clock.advance(days=1)
    app_writes(fleet, installed_at=later, access_token="shpat_new")

    adopt_all(fleet)

    sync = fleet.sync(shop_id)
    assert (sync.generation, sync.authorised_at, sync.status) == (2, later, Status.PENDING)


def test_a_new_token_written_by_the_app_frees_a_shop(fleet: Fleet, clock: Clock) -> None:
    shop_id = fleet.install()
    fleet.fail(fleet.claim_one(shop_id), Held(Hold.REAUTHORISE, "refused"))
    clock.advance(days=1)
    app_writes(fleet, access_token="shpat_new")

    adopt_all(fleet)

    sync = fleet.sync(shop_id)
    assert (sync.hold, sync.token_version, sync.authorised_at) == (None, 2, fleet.now)


def test_an_old_uninstall_does_not_undo_a_re_install_that_keeps_installed_at(fleet: Fleet, clock: Clock) -> None:
    shop_id = fleet.synced()
    uninstalled_at = clock.advance(days=1)
    fleet.uninstall()
    clock.advance(minutes=1)
    app_writes(fleet, access_token="shpat_new", uninstalled_at=None)
    adopt_all(fleet)

    again = fleet.uninstall(triggered_at=uninstalled_at)

    assert again is False
    assert (fleet.sync(shop_id).status, fleet.sync(shop_id).generation) == (Status.PENDING, 2)


def test_an_old_uninstall_does_not_undo_an_authorisation_after_the_app_asked_again(fleet: Fleet, clock: Clock) -> None:
    shop_id = fleet.synced()
    uninstalled_at = clock.advance(days=1)
    clock.advance(minutes=1)
    fleet.install()
    app_writes(fleet, sync_status="PENDING")
    adopt_all(fleet)

    late = fleet.uninstall(triggered_at=uninstalled_at)

    assert late is False
    assert fleet.sync(shop_id).hold is None


def test_an_uninstall_written_by_the_app_is_obeyed(fleet: Fleet) -> None:
    shop_id = fleet.synced()
    app_writes(fleet, uninstalled_at=fleet.now)

    adopt_all(fleet)

    assert (fleet.sync(shop_id).hold, fleet.sync(shop_id).status) == (Hold.UNINSTALLED, Status.COMPLETED)


def test_the_apps_pending_on_an_uninstalled_shop_is_no_install(fleet: Fleet, clock: Clock) -> None:
    shop_id = fleet.synced()
    clock.advance(minutes=1)
    fleet.uninstall()
    app_writes(fleet, sync_status="PENDING")

    adopted = adopt_all(fleet)

    assert (adopted, fleet.sync(shop_id).hold) == (0, Hold.UNINSTALLED)


def test_an_uninstall_before_the_first_sweep_saw_the_apps_row_is_obeyed(fleet: Fleet) -> None:
    shop_id = app_inserts(fleet, status="COMPLETED", installed_at=fleet.now - timedelta(days=9))

    done = fleet.uninstall(triggered_at=fleet.now - timedelta(days=1))

    assert done is True
    assert fleet.sync(shop_id).hold == Hold.UNINSTALLED


def test_an_uninstall_older_than_the_apps_own_re_install_is_ignored(fleet: Fleet, clock: Clock) -> None:
    shop_id = fleet.synced()
    uninstalled_at = clock.advance(days=1)
    app_writes(fleet, installed_at=clock.advance(minutes=1), access_token="shpat_new")

    done = fleet.uninstall(triggered_at=uninstalled_at)

    assert done is False
    assert (fleet.sync(shop_id).generation, fleet.sync(shop_id).hold) == (2, None)


def test_an_authorisation_takes_over_the_apps_row_first(fleet: Fleet) -> None:
    shop_id = app_inserts(fleet, status="COMPLETED", installed_at=fleet.now - timedelta(days=9))

    fleet.install()

    sync = fleet.sync(shop_id)
    assert (sync.status, sync.generation, sync.authorised_at) == (Status.COMPLETED, 1, fleet.now)
    assert sync.first_synced_at is not None


def test_a_row_that_nobody_changed_is_left_alone(fleet: Fleet) -> None:
    shop_id = fleet.install()
    fleet.fail(fleet.claim_one(shop_id), Unavailable("503"))
    before = fleet.sync(shop_id).since

    adopted = adopt_all(fleet)

    assert (adopted, fleet.sync(shop_id).since) == (0, before)
