"""A world for the properties: the real database of each engine, quiet logs, no waiting for the disk."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import event

from sync_core.config import Settings
from sync_core.db import Database
from sync_core.states import Profile
from tests.conftest import Clock
from tests.properties.ghosts import Merchant
from tests.properties.machine import Lifecycle
from tests.properties.world import World

Explore = Callable[[str], int]
DOMAINS = ("one.myshopify.com", "two.myshopify.com")
STEPS = 50
EXAMPLES = int(os.environ.get("PROPERTY_EXAMPLES", "225"))
LEAST = min(10_000, EXAMPLES * STEPS * 9 // 10)
"""Steps that each engine and profile must have lived through; an example may end early."""
KINDS = 60 if LEAST == 10_000 else 1
"""Kinds of situations that each must have led to, and that were explained."""
PHASES = (Phase.generate,) if os.environ.get("PROPERTY_SHRINK") == "no" else (Phase.generate, Phase.shrink)
SETTINGS = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=True,
    report_multiple_bugs=False,
    phases=PHASES,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@pytest.fixture
def explore(database: Database, settings: Settings, clock: Clock) -> Explore:
    """`explore("prompt")` runs the state machine; the number of steps it took."""
    if not database.is_postgres:
        event.listen(database.engine, "connect", _forget_durability)

    def run(profile: str) -> int:
        taken = 0
        start = clock.moment

        class Counted(Lifecycle):
            def __init__(self) -> None:
                super().__init__(make)

            def teardown(self) -> None:
                nonlocal taken
                super().teardown()
                taken += self.world.steps if hasattr(self, "world") else 0

        def make(refresh: float) -> World:
            clock.moment = start
            own = settings.model_copy(update={"refresh_hours": refresh, "sweep_profile": Profile(profile)})
            return World(database, own, clock, {domain: Merchant(domain) for domain in DOMAINS})

        run_state_machine_as_test(Counted, settings=SETTINGS)
        return taken

    return run


def _forget_durability(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous=OFF")
