"""Ten shops that always fail among a hundred: the others are started as if they were not there.

A simulation on the real database with a clock of its own: four workers, syncs of 20 s, installs
arriving at half of what the workers can do.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from sync_core.config import Settings
from sync_core.db import Database
from sync_core.dispatch import OLDEST_EVERY
from sync_core.errors import Unavailable
from sync_core.lifecycle import Claim
from sync_core.states import RESERVED_SHARE
from tests.conftest import Clock
from tests.fleet import Fleet

WORKERS, SYNC_SECONDS, HEALTHY, FAILING = 4, 20, 90, 10
ARRIVAL_SECONDS = 2 * SYNC_SECONDS // WORKERS
WARM_UP_SECONDS = 900


@dataclass
class Town:
    """Workers that carry claims for SYNC_SECONDS each; shops named `bad…` always fail."""

    fleet: Fleet
    clock: Clock
    running: list[tuple[float, Claim]] = field(default_factory=list)
    second: int = 0
    claimed: int = 0

    def pass_second(self) -> None:
        for end, claim in [run for run in self.running if run[0] <= self.second]:
            self.running.remove((end, claim))
            self._end(claim)
        free = WORKERS - len(self.running)
        if free:
            oldest = (self.claimed + free) // OLDEST_EVERY - self.claimed // OLDEST_EVERY
            claims = self.fleet.claim(limit=free, oldest=oldest, reserve=WORKERS // RESERVED_SHARE)
            self.claimed += len(claims)
            self.running += [(self.second + SYNC_SECONDS, claim) for claim in claims]
        self.second += 1
        self.clock.advance(seconds=1)

    def _end(self, claim: Claim) -> None:
        if claim.shop_domain.startswith("bad"):
            self.fleet.fail(claim, Unavailable("Shopify answered 503"))
        else:
            self.fleet.complete(claim)


def waits(town: Town, failing: int) -> list[float]:
    """Seconds from request to claim of each healthy shop, beside so many that always fail."""
    for number in range(failing):
        town.fleet.install(f"bad-{number}.myshopify.com")
    for _ in range(WARM_UP_SECONDS):
        town.pass_second()
    shops = []
    for number in range(HEALTHY):
        shops.append(town.fleet.install(f"good-{number}.myshopify.com"))
        town.fleet.ask(shops[-1])
        for _ in range(ARRIVAL_SECONDS):
            town.pass_second()
    taken = [town.fleet.attempts(shop_id)[0] for shop_id in shops]
    return sorted((a.claimed_at - a.requested_at).total_seconds() for a in taken if a.claimed_at)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("failing", [0, FAILING])
def test_shops_that_always_fail_delay_nobody_at_half_load(
    sqlite_database: Database, settings: Settings, clock: Clock, failing: int
) -> None:
    settings = settings.model_copy(update={"lease_seconds": 60.0})

    found = waits(Town(Fleet(sqlite_database, settings), clock), failing)

    assert len(found) == HEALTHY
    assert max(found) <= 1
