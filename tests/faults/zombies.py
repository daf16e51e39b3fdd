"""A process that stands still past its leases, and wakes in the middle of what it was doing."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator

from sqlalchemy import func, select

from sync_core.app_models import Customer, Shop
from sync_core.models import ShopSync
from sync_core.states import Status
from tests.faults.children import Child
from tests.faults.ground import Ground, Lane, eventually
from tests.faults.kills import PATIENCE_SECONDS, top_up
from tests.faults.report import Line, line

POINTS = ("after_claim", "after_fetch", "after_fetch", "after_guard", "after_page", "before_complete")
LEASE_SECONDS = 2


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
    zombie = ground.scheduler(PAUSE_AT=f"{point}:{random.randint(1, 6)}")
    top_up(ground)
    stood = zombie.paused(PATIENCE_SECONDS)
    _edit(ground, _half_done(ground, zombie))
    time.sleep(LEASE_SECONDS)
    eventually(lambda: not _owns(ground, zombie), seconds=LEASE_SECONDS + 3)
    zombie.send(signal.SIGCONT)
    time.sleep(0.5)
    zombie.end()
    ground.children.remove(zombie)
    return stood


def _owns(ground: Ground, zombie: Child) -> bool:
    return any(owner.endswith(f":{zombie.pid}") for owner in ground.owners())


def _half_done(ground: Ground, zombie: Child) -> list[str]:
    """Shops in the zombie's hands of which no customer is stored: it may hold a page that is old from now on."""
    stored = select(func.count()).where(Customer.shop_id == ShopSync.shop_id).scalar_subquery()
    query = select(Shop.shop_domain).join(ShopSync, ShopSync.shop_id == Shop.id)
    query = query.where(ShopSync.status == Status.IN_PROGRESS.value, ShopSync.lease_owner.endswith(f":{zombie.pid}"))
    with ground.database.read() as session:
        return list(session.execute(query.where(stored == 0)).scalars())


def _edit(ground: Ground, domains: list[str]) -> None:
    control = ground.sandbox.control
    for domain in domains:
        for row in control.rows(domain, "customers"):
            control.update(domain, "customers", row["id"], firstName="Later")
