"""A process that stands still past its leases, and wakes in the middle of what it was doing."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from sync_core.app_models import Customer
from sync_core.models import ShopSync
from tests.faults.children import Child
from tests.faults.ground import Ground, Lane, eventually
from tests.faults.kills import top_up
from tests.faults.report import Line, line

POINTS = ("after_claim", "after_fetch", "after_fetch", "after_guard", "after_page", "before_complete")
LEASE_SECONDS = 2

Customers = dict[str, Any]


def wake(lane: Lane, *, times: int) -> Iterator[Line]:
    """SIGSTOP inside a sync; what it has fetched changes at Shopify; another process takes over; SIGCONT."""
    with lane.ground() as ground:
        living = ground.scheduler()
        woke = sum(_one(ground) for _ in range(times))
        living.end()
        ground.settle()
        yield line("SIGSTOP past the lease, SIGCONT", lane.engine, ground.audit(), times=woke, wanted=times)


def _one(ground: Ground) -> bool:
    point = random.choice(POINTS)
    zombie = ground.scheduler(PAUSE_AT=f"{point}:{random.randint(1, 3)}")
    stood = _stands(ground, zombie)
    held = _half_done(ground, zombie)
    before = _edit(ground, held)
    time.sleep(LEASE_SECONDS)
    eventually(lambda: not _owned(ground, zombie), seconds=LEASE_SECONDS + 3)
    _take_back(ground, before, of=_owned(ground, zombie))
    zombie.send(signal.SIGCONT)
    time.sleep(0.5)
    zombie.end()
    ground.children.remove(zombie)
    return stood


def _stands(ground: Ground, zombie: Child) -> bool:
    """Whether it came to its point; the living process takes its share of the shops, so more come in."""
    for _ in range(10):
        top_up(ground)
        if zombie.paused(2):
            return True
    return False


def _owned(ground: Ground, zombie: Child) -> list[str]:
    query = select(ShopSync.shop_domain).where(ShopSync.lease_owner.endswith(f":{zombie.pid}"))
    with ground.database.read() as session:
        return list(session.execute(query).scalars())


def _half_done(ground: Ground, zombie: Child) -> list[str]:
    """Shops in the zombie's hands of which no customer is stored: it may hold a page that is old from now on."""
    stored = select(Customer.shop_id)
    query = select(ShopSync.shop_domain).where(ShopSync.lease_owner.endswith(f":{zombie.pid}"))
    with ground.database.read() as session:
        return list(session.execute(query.where(ShopSync.shop_id.not_in(stored))).scalars())


def _edit(ground: Ground, domains: list[str]) -> dict[str, list[Customers]]:
    """Rename every customer at Shopify; what they were called, by shop."""
    control = ground.sandbox.control
    before = {domain: control.rows(domain, "customers") for domain in domains}
    for domain, rows in before.items():
        for row in rows:
            control.update(domain, "customers", row["id"], firstName="Later")
    return before


def _take_back(ground: Ground, before: dict[str, list[Customers]], *, of: list[str]) -> None:
    """Nobody could take these over (the zombie holds their lock): the page that it writes is rightly its own."""
    for domain in set(of) & before.keys():
        for row in before[domain]:
            ground.sandbox.control.update(domain, "customers", row["id"], firstName=row["firstName"])
