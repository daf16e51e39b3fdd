"""A process that stands still past its leases, and wakes in the middle of what it was doing."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from threading import Thread
from typing import Any

from sqlalchemy import select

from sync_core.app_models import Customer
from sync_core.models import ShopSync
from sync_core.states import Status
from tests.faults.children import Child
from tests.faults.ground import Ground, Lane, eventually
from tests.faults.kills import top_up
from tests.faults.report import Line, line

PASSINGS = ("after_claim:1", "after_fetch:2", "after_fetch:5", "after_guard:2", "after_page:3", "before_complete:2")
CUSTOMERS_PAGE = "after_fetch:2"
"""With one worker, the second page of its first shop is the customers': nothing but the guard keeps it out later."""
LEASE_SECONDS = 2
STANDS_WITHIN_SECONDS = 2

Customers = dict[str, Any]


def wake(lane: Lane, *, times: int) -> Iterator[Line]:
    """SIGSTOP inside a sync; what it has fetched changes at Shopify; another process takes over; SIGCONT."""
    with lane.ground() as ground:
        living = ground.worker()
        turns = [_one(ground, aged=bool(turn % 2)) for turn in range(times)]
        living.end()
        ground.settle()
        stood, old = sum(turn is not None for turn in turns), sum(turn or 0 for turn in turns)
        found = line("SIGSTOP past the lease, SIGCONT", lane.engine, ground.audit(), times=stood, wanted=times)
        if old < times // 4:
            found.said.append(f"only {old} pages grew old in a zombie's hands")
            found.times = 0
        yield found


def _one(ground: Ground, *, aged: bool) -> int | None:
    """How many fetched pages grew old in the zombie's hands and were stored anew by another; None: it never stood."""
    passing, workers = (CUSTOMERS_PAGE, "1") if aged else (random.choice(PASSINGS), "8")
    zombie = ground.worker(PAUSE_AT=passing, WORKERS=workers)
    filling = _standing(ground, zombie)
    before = _edit(ground, _half_done(ground, zombie))
    old = {domain for domain in before if _asked_last(ground, domain) == "Customers"}
    time.sleep(LEASE_SECONDS)
    eventually(lambda: not _owned(ground, zombie), seconds=LEASE_SECONDS + 3)
    _take_back(ground, before, of=_owned(ground, zombie))
    old -= set(_owned(ground, zombie))
    eventually(lambda: not _unfinished(ground, old), seconds=LEASE_SECONDS + 3)
    zombie.send(signal.SIGCONT)
    time.sleep(0.5)
    zombie.end()
    ground.children.remove(zombie)
    if filling is None:
        return None
    filling.join()
    return len(old)


def _asked_last(ground: Ground, domain: str) -> str:
    """The operation of the shop's last request."""
    return next((str(line["operation"]) for line in reversed(ground.sandbox.control.log(domain))), "")


def _unfinished(ground: Ground, domains: set[str]) -> bool:
    query = select(ShopSync.shop_domain).where(ShopSync.shop_domain.in_(domains))
    with ground.database.read() as session:
        return session.execute(query.where(ShopSync.status != Status.COMPLETED.value)).first() is not None


def _standing(ground: Ground, zombie: Child) -> Thread | None:
    """Wait until it stands at its point; what is still filling up with shops then. None: it never stood.

    The living process takes its share of the shops, so more come in; beside the look, because a zombie that
    stands inside a transaction on SQLite keeps us out, too, until it goes on.
    """
    for _ in range(10):
        filling, until = Thread(target=top_up, args=[ground]), time.monotonic() + STANDS_WITHIN_SECONDS
        filling.start()
        while filling.is_alive() or time.monotonic() < until:
            if zombie.paused(0.1):
                return filling
    return None


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
