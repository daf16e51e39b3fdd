"""The dead man's switch: pinged after a good check; its silence is noted and hurts nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import cast

import pytest
from sqlalchemy import update

import scheduler
from sync_core import sweep
from sync_core.alerts.ping import DeadMansSwitch
from sync_core.config import Settings
from sync_core.db import Database
from sync_core.models import Heartbeat, Sweep
from sync_core.runner import Tools
from tests.alerts.conftest import Webhook
from tests.conftest import MakeSettings
from tests.health_rows import Rows
from tests.journeys.processes import eventually

ME = "scheduler@host:1"


@contextmanager
def running(switch: DeadMansSwitch) -> Iterator[DeadMansSwitch]:
    switch.start()
    yield switch
    switch.stop()


@pytest.fixture
def beating(database: Database) -> Callable[[], Heartbeat]:
    """A scheduler's row; calling it gives the row as it stands."""
    with database.write() as session:
        Rows(session, database.now(session)).beat("scheduler", database.now(session))

    def row() -> Heartbeat:
        with database.read() as session:
            return session.get_one(Heartbeat, ME)

    return row


@pytest.fixture
def make_switch(database: Database, make_settings: MakeSettings) -> Callable[[str], DeadMansSwitch]:
    return lambda url: DeadMansSwitch(database, make_settings(healthcheck_ping_url=url), process=ME)


def test_a_good_check_is_told_to_the_switch(
    webhook: Webhook, make_switch: Callable[[str], DeadMansSwitch], beating: Callable[[], Heartbeat]
) -> None:
    with running(make_switch(f"http://127.0.0.1:{webhook.port}/planted-secret")) as switch:
        switch.good_check(7)
        eventually(lambda: beating().pinged_at is not None, "the ping is noted")

    assert (webhook.titles, beating().ping_error) == (["/planted-secret"], None)


@pytest.mark.parametrize(("answers", "error"), [([500, 500], None), ([404, 404, 404], "HTTP 404")])
def test_a_ping_is_tried_three_times_and_then_its_failure_is_noted(
    webhook: Webhook,
    make_switch: Callable[[str], DeadMansSwitch],
    beating: Callable[[], Heartbeat],
    answers: list[int],
    error: str | None,
) -> None:
    webhook.answers += answers

    with running(make_switch(f"http://127.0.0.1:{webhook.port}/planted-secret")) as switch:
        switch.good_check(7)
        eventually(lambda: beating().pinged_at is not None, "the ping is noted")

    assert beating().ping_error == error


def test_a_switch_that_is_not_there_is_noted_without_its_address(
    make_switch: Callable[[str], DeadMansSwitch],
    beating: Callable[[], Heartbeat],
    capfd: pytest.CaptureFixture[str],
) -> None:
    with running(make_switch("http://127.0.0.1:1/planted-secret")) as switch:
        switch.good_check(7)
        eventually(lambda: beating().pinged_at is not None, "the ping is noted")

    assert beating().ping_error == "ConnectError"
    assert "planted-secret" not in "".join(capfd.readouterr())


def test_without_an_address_nothing_runs(database: Database, settings: Settings) -> None:
    switch = DeadMansSwitch(database, settings, process=ME)

    with running(switch):
        switch.good_check(7)

    assert not any(thread.name == "switch" for thread in threading.enumerate())


def test_a_check_that_somebody_else_ran_well_is_told_once(database: Database, settings: Settings) -> None:
    tools = cast(Tools, SimpleNamespace(database=database, settings=settings, vault=None))
    told: list[int] = []

    class Switch:
        def good_check(self, slot: int) -> None:
            told.append(slot)

    with database.write() as session:
        now = database.now(session)
        slot = sweep.slot_of(now, 300)
        Rows(session, now).sweep(now, slot=slot, ended_at=None)
    scheduler.tick_once_a_slot(tools, "test", cast(DeadMansSwitch, Switch()))
    running = list(told)
    with database.write() as session:
        session.execute(update(Sweep).values(ended_at=now))

    scheduler.tick_once_a_slot(tools, "test", cast(DeadMansSwitch, Switch()))

    assert (running, told) == ([], [slot])
