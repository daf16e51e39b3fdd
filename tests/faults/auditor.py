"""What the law of a sync's life says must hold, checked after the fact.

Reads the database and the sandbox's own account (its log of what it served, and its rows), and nothing
of the product's opinion about itself.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import select

from sync_core.app_models import Shop
from sync_core.db import Database
from sync_core.models import ShopSync, SyncAttempt, Transition
from sync_core.sandbox.control import SandboxControl
from sync_core.states import Outcome, Status
from tests.faults.rows import difference

Outage = tuple[datetime, datetime]
LOG_GRAIN = timedelta(seconds=1)


@dataclass
class Verdict:
    """What was found: a sentence each. `takeovers` in seconds."""

    shops: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    takeovers: list[float] = field(default_factory=list)

    @property
    def longest_takeover(self) -> float:
        return max(self.takeovers, default=0.0)

    @property
    def faults(self) -> list[str]:
        return [*self.lost, *self.doubled, *self.stale, *self.broken]


@dataclass
class Books:
    """All that the database says, by shop."""

    syncs: list[ShopSync]
    shops: dict[str, Shop]
    attempts: dict[str, list[SyncAttempt]]
    transitions: dict[str, list[Transition]]


def audit(
    database: Database,
    control: SandboxControl,
    *,
    lease_seconds: float,
    outages: Iterable[Outage] = (),
    true_clock: bool = True,
) -> Verdict:
    """Everything about every shop. During an outage (from, to) nobody could take anything over.

    Where the clock that stamped the rows was set back, the order of their moments says nothing.
    """
    books = _read(database)
    verdict = Verdict(shops=len(books.syncs))
    served = _served(control)
    for sync in books.syncs:
        attempts = books.attempts[sync.shop_id]
        _status(verdict, sync, books.shops[sync.shop_id])
        _attempts(verdict, sync, attempts)
        if true_clock:
            _no_overlap(verdict, sync, attempts)
            _chain(verdict, sync, books.transitions[sync.shop_id])
        for attempt in attempts:
            if attempt.outcome == Outcome.ORPHANED:
                verdict.takeovers.append(takeover(attempt, served[sync.shop_domain], outages))
    _unknown(verdict, books)
    _rows(verdict, database, control, books)
    return verdict


def _read(database: Database) -> Books:
    attempts: dict[str, list[SyncAttempt]] = defaultdict(list)
    transitions: dict[str, list[Transition]] = defaultdict(list)
    with database.read() as session:
        syncs = list(session.execute(select(ShopSync).order_by(ShopSync.shop_domain)).scalars())
        shops = {shop.id: shop for shop in session.execute(select(Shop)).scalars()}
        for attempt in session.execute(select(SyncAttempt).order_by(SyncAttempt.requested_at)).scalars():
            attempts[attempt.shop_id].append(attempt)
        for transition in session.execute(select(Transition)).scalars():
            transitions[transition.shop_id].append(transition)
    return Books(syncs, shops, attempts, transitions)


def _status(verdict: Verdict, sync: ShopSync, shop: Shop) -> None:
    """COMPLETED, or FAILED with a next try or a hold; the app's row says the same."""
    waits = sync.status == Status.FAILED and (sync.due_at is not None or sync.hold is not None)
    if sync.status != Status.COMPLETED and not waits:
        verdict.lost.append(f"{sync.shop_domain} is {sync.status}, due {sync.due_at}, wakes {sync.wake_at}")
    if shop.sync_status != sync.status:
        verdict.broken.append(f"{sync.shop_domain} is {sync.status}, the app reads {shop.sync_status}")
    if (shop.last_sync_at is None) != (sync.last_synced_at is None):
        verdict.broken.append(f"{sync.shop_domain}: the app's lastSyncAt is {shop.last_sync_at}")


def _attempts(verdict: Verdict, sync: ShopSync, attempts: list[SyncAttempt]) -> None:
    """One at a time, one per fence, each ended, and one success for the one install."""
    if sum(attempt.ended_at is None for attempt in attempts) > 1:
        verdict.doubled.append(f"{sync.shop_domain} has more than one open attempt")
    fences = Counter(attempt.fence for attempt in attempts if attempt.fence is not None)
    verdict.doubled += [f"{sync.shop_domain} has fence {fence} twice" for fence, n in fences.items() if n > 1]
    claimed = [attempt for attempt in attempts if attempt.claimed_at]
    if sync.status != Status.IN_PROGRESS and any(attempt.outcome is None for attempt in claimed):
        verdict.broken.append(f"{sync.shop_domain} is {sync.status} with an attempt that never ended")
    successes = Counter(attempt.generation for attempt in attempts if attempt.outcome == Outcome.COMPLETED)
    verdict.doubled += [f"{sync.shop_domain} was synced {n} times" for n in successes.values() if n > 1]
    if (sync.status == Status.COMPLETED) != (successes[sync.generation] > 0):
        verdict.broken.append(f"{sync.shop_domain} is {sync.status} with {successes.total()} finished syncs")


def _no_overlap(verdict: Verdict, sync: ShopSync, attempts: list[SyncAttempt]) -> None:
    """A claim begins when the one before it has ended."""
    claimed = sorted((a for a in attempts if a.claimed_at), key=lambda attempt: attempt.fence or 0)
    for before, after in pairwise(claimed):
        if before.ended_at is None or after.claimed_at is None or before.ended_at > after.claimed_at:
            verdict.doubled.append(f"{sync.shop_domain}: fences {before.fence} and {after.fence} overlap")


def _chain(verdict: Verdict, sync: ShopSync, transitions: list[Transition]) -> None:
    """Each transition leaves where the one before it arrived; a fence never falls."""
    ordered = sorted(transitions, key=lambda t: (t.generation, t.fence, t.at, t.id))
    for before, after in pairwise(ordered):
        if (before.to_status, before.to_hold) != (after.from_status, after.from_hold):
            verdict.broken.append(f"{sync.shop_domain}: {before.event} to {before.to_status}, then {after.event}")
    if not ordered or (ordered[-1].to_status, ordered[-1].to_hold) != (sync.status, sync.hold):
        verdict.broken.append(f"{sync.shop_domain} is {sync.status}, its last transition says otherwise")


def takeover(attempt: SyncAttempt, served: list[datetime], outages: Iterable[Outage]) -> float:
    """Seconds from the run's last sign of life (its claim, or a request that Shopify saw) to its successor.

    The sandbox's log knows whole seconds: a request of the last one may be the successor's.
    """
    if attempt.claimed_at is None or attempt.ended_at is None:
        raise AssertionError("an orphan that was never claimed, or has not ended")
    within = [at for at in served if attempt.claimed_at <= at <= attempt.ended_at - LOG_GRAIN]
    alive = max([attempt.claimed_at, *within])
    seconds = (attempt.ended_at - alive).total_seconds()
    return seconds - sum(_overlap(alive, attempt.ended_at, outage) for outage in outages)


def _overlap(begin: datetime, end: datetime, outage: Outage) -> float:
    shared = min(end, outage[1]) - max(begin, outage[0])
    return max(timedelta(0), shared).total_seconds()


def _served(control: SandboxControl) -> dict[str, list[datetime]]:
    found: dict[str, list[datetime]] = defaultdict(list)
    for line in control.log():
        found[line["domain"]].append(datetime.fromisoformat(line["at"]))
    return found


def _unknown(verdict: Verdict, books: Books) -> None:
    """A row of the app's that nobody watches would never be synced."""
    watched = {sync.shop_id for sync in books.syncs}
    verdict.lost += [
        f"{shop.shop_domain} is watched by nobody" for shop in books.shops.values() if shop.id not in watched
    ]


def _rows(verdict: Verdict, database: Database, control: SandboxControl, books: Books) -> None:
    """What is stored of each finished shop is what the sandbox has: nothing missing, nothing more, nothing old."""
    finished = [sync.shop_domain for sync in books.syncs if sync.status == Status.COMPLETED]
    for found in difference(database, control, finished):
        {"missing": verdict.lost, "more": verdict.doubled, "other": verdict.stale}[found.kind].append(str(found))
