"""Carry one claimed attempt to its end: who the shop is, totals, pages, done.

Each page is fetched first and then stored in one transaction that begins with the guard, so a kill
at any moment resumes at the last stored page. Every error ends here, booked by its type.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import structlog
from sqlalchemy.orm import Session

from sync_core import crash, lifecycle, plan, removals, store, subscriptions
from sync_core.access import Access
from sync_core.bulk_run import BulkRun
from sync_core.config import Settings
from sync_core.db import Database
from sync_core.errors import AccessDenied, Held, Released, ShopifyError, StaleClaim, places
from sync_core.inbox.finishes import finish_told
from sync_core.lifecycle import Claim, Usage
from sync_core.models import ShopSync
from sync_core.pace import Pace
from sync_core.progress import CHANGES, Leg, cursor_of, finished_cursor, noted, progress_of, resume
from sync_core.resources import chosen, ids
from sync_core.resources import shop as identity
from sync_core.resources.pages import Page, count_each
from sync_core.resources.resource import Resource, Scopes
from sync_core.roads import pages
from sync_core.roads.bulk import Carrier
from sync_core.roads.pages import filter_of
from sync_core.roads.reader import Reader, named
from sync_core.shopify.client import ShopifyClient
from sync_core.shopify.patience import Patience
from sync_core.shopify.storage import Storage
from sync_core.shopify.throttle import Limiters
from sync_core.states import Hold, Mode, Outcome
from sync_core.vault import Vault

log = structlog.get_logger()


@dataclass(frozen=True)
class Tools:
    """What a process lends to each run: one of each."""

    settings: Settings
    database: Database
    vault: Vault
    http: httpx.Client
    limiters: Limiters


class Pulse:
    """When a run last made progress; written by the run, read by whoever keeps its lease."""

    def __init__(self, started_at: datetime) -> None:
        self._lock = threading.Lock()
        self._at = started_at

    @property
    def progressed_at(self) -> datetime:
        with self._lock:
            return self._at

    def beat(self, at: datetime) -> None:
        """Progress at this moment; a wait with a known end may beat for its end."""
        with self._lock:
            self._at = max(self._at, at)


def run(claim: Claim, tools: Tools, *, pulse: Pulse, stopping: threading.Event) -> Outcome | None:
    """Perform the claimed sync and book its end.

    None: the claim was over before the run was; nothing more was written. Errors: those of the
    database, when the end itself cannot be booked (the lease then ends, and the shop is taken over).
    """
    with structlog.contextvars.bound_contextvars(shop=claim.shop_domain, attempt=claim.attempt_id):
        try:
            return Run(claim, tools, pulse=pulse, stopping=stopping).carry()
        except StaleClaim:
            log.info("sync.stale", fence=claim.fence)
            return None


class Run:
    """One attempt under way."""

    def __init__(self, claim: Claim, tools: Tools, *, pulse: Pulse, stopping: threading.Event) -> None:
        self.claim = claim
        self.tools = tools
        self.pulse = pulse
        self.stopping = stopping
        self.patience = Patience(stopping=stopping, on_wait=self._waiting)
        self.now = claim.claimed_at
        self.resources = chosen(tools.settings.sync_resources)
        self.legs: dict[str, Leg] = {}
        self.pace = Pace(claim.claimed_at)
        self.scopes: Scopes = frozenset()

    def carry(self) -> Outcome:
        """From start to booked end. Errors: StaleClaim, from whichever guard finds the claim over."""
        try:
            self._perform()
        except Released:
            self._release()
            return Outcome.RELEASED
        except Exception as error:  # noqa: BLE001 - the attempt is the edge: every cause is booked by its type
            self._fail(error)
            return Outcome.FAILED
        return Outcome.COMPLETED

    def _perform(self) -> None:
        self.access = self._access()
        self.client = self._client()
        self.storage = Storage(self.tools.settings, self.tools.http, self.patience, self.client.spent)
        self._begin()
        self.bulk.submit(self.resources)
        for resource in self.resources:
            if not self.legs[resource.name].ended:
                self._bring_up_to_date(resource)
        self._complete()

    def _access(self) -> Access:
        tools = self.tools
        return Access(self.claim, database=tools.database, vault=tools.vault, settings=tools.settings, http=tools.http)

    def _client(self) -> ShopifyClient:
        return ShopifyClient(
            self.claim.shop_domain,
            self.access.token,
            settings=self.tools.settings,
            http=self.tools.http,
            limiter=self.tools.limiters.of(self.claim.shop_domain),
            patience=self.patience,
            fresh_token=lambda refused: self.access.replace(refused, patience=self.patience),
        )

    def _begin(self) -> None:
        """Who the shop is, what may be read, how much there is: the attempt's plan."""
        self._keep_token()
        with named("the shop's identity"), _needed():
            found = identity.read(self.client)
        self.scopes = found.scopes
        self.legs = self._legs()
        with named("the totals"), _needed():
            self._count()
        most = self.tools.settings.bulk_objects
        plan.choose(self.resources, self.legs, self.client.bucket, most=most, now=self._moment())
        self.plan = plan.sentence(self.resources, self.legs, self.client.bucket)
        self.bulk = self._bulk_run()
        with self._page() as session:
            identity.store(session, self.claim.shop_id, found, now=self.now)
        self.pace = Pace(self.now)
        log.info("sync.begun", trigger=self.claim.trigger, fence=self.claim.fence)
        self._subscribe()

    def _subscribe(self) -> None:
        """See that Shopify tells us of this shop's changes; it never fails the sync."""
        with self.tools.database.read() as session:
            address = subscriptions.address_due(session, self.claim, now=self.now, settings=self.tools.settings)
        if address is None:
            return
        found = subscriptions.bring_up(self.client, self.scopes, address)
        with self._transaction() as session:
            lifecycle.guard(session, self.claim)
            subscriptions.note(session, self.claim.shop_id, found, now=self.now)

    def _legs(self) -> dict[str, Leg]:
        with self.tools.database.read() as session:
            held = session.get_one(ShopSync, self.claim.shop_id).held
        legs = {identity.NAME: Leg("full", self.claim.claimed_at, None, done=1, total=1, ended=True)}
        for resource in self.resources:
            mode = Mode.EVERYTHING if resource.whole else self.claim.mode
            leg = resume(self.claim.cursor, resource.name, mode=mode, now=self.claim.claimed_at)
            leg.recall(held.get(resource.name, {}))
            if not resource.readable(self.scopes):
                self._refuse(resource, leg, AccessDenied(f"the scope {resource.scope} is missing"))
            legs[resource.name] = leg
        return legs

    def _count(self) -> None:
        wanted = [resource for resource in self.resources if not self.legs[resource.name].ended]
        if not wanted:
            return
        totals = count_each(self.client, {r.name: filter_of(self.legs[r.name]) for r in wanted}, wanted)
        for name, total in totals.items():
            self.legs[name].total = max(total, self.legs[name].done)

    def _bring_up_to_date(self, resource: Resource) -> None:
        """Read it; a pass of changes looks for what is gone first, so that its progress ends with its work."""
        if self.legs[resource.name].kind == CHANGES:
            self._remove_gone(resource)
            self._read(resource)
        else:
            self._read(resource)
            self._remove_gone(resource)

    def _remove_gone(self, resource: Resource) -> None:
        """Compare what we hold with all of Shopify's ids, when it is time to."""
        leg, table, shop_id = self.legs[resource.name], removals.ROOTS[resource.name], self.claim.shop_id
        if leg.skipped:
            return
        began = self.now
        with self.tools.database.read() as session:
            needed = ids.due(leg, held=store.count(session, shop_id, table), now=began)
            judged = ids.judged(resource, self.scopes, began)
            known = removals.known(session, shop_id, table, created_in=judged) if needed else set()
        if not needed:
            leg.checked = leg.checked if leg.kind == CHANGES else leg.started
            return
        gone = ids.gone(self.client, resource, known, on_page=self._turn_page)
        leg.checked = began
        with self._page() as session:
            removed = removals.remove(session, shop_id, table, gone)
        log.info("sync.compared", resource=resource.name, held=len(known), removed=removed)

    def _turn_page(self) -> None:
        self._breathe()
        self._keep_token()

    def _read(self, resource: Resource) -> None:
        """All pages of a resource, or the reason why it is left out."""
        leg = self.legs[resource.name]
        self.bulk.read(resource, leg)
        if leg.ended:
            return
        try:
            for page in pages.read(self._reader(), resource, leg):
                crash.point("after_fetch")
                self._store(resource, leg, page)
        except AccessDenied as denied:
            self._refuse(resource, leg, denied)

    def _bulk_run(self) -> BulkRun:
        carrier = Carrier(
            self._reader(),
            self.storage,
            moment=self._moment,
            pause=self._pause,
            still=timedelta(seconds=self.tools.settings.stall_seconds / 2),
        )
        return BulkRun(self.claim.shop_id, self.tools.database, carrier, self.legs, self._page)

    def _pause(self, seconds: float) -> None:
        """Wait for Shopify without progress; cut short when it says that a bulk operation is over."""
        self.now = began = self._moment()
        for _ in range(max(1, round(seconds))):
            self.patience.pause(min(1.0, seconds))
            with self.tools.database.read() as session:
                if finish_told(session, self.claim.shop_domain, since=began):
                    return

    def _reader(self) -> Reader:
        return Reader(self.client, self.scopes, on_turn=self._before_page, on_tail=self._breathe)

    def _before_page(self) -> None:
        self._stop_if_told()
        self._keep_token()

    def _refuse(self, resource: Resource, leg: Leg, denied: AccessDenied) -> None:
        """Leave a resource out with the reason; without products there is no sync."""
        if resource.required:
            raise _hold(denied, f"{resource.name} may not be read: {denied}") from denied
        leg.skip(str(denied))
        log.info("sync.skipped", resource=resource.name, reason=leg.skipped)

    def _store(self, resource: Resource, leg: Leg, page: Page) -> None:
        leg.advance(roots=page.roots, after=page.after, ended=page.ended)
        with self._page() as session:
            store.store(session, self.claim.shop_id, page.batch)
        self.pace.stored(resource, page.roots, self.client.bucket, self.now)
        log.info("sync.page", resource=resource.name, done=leg.done, total=leg.total)

    @contextmanager
    def _page(self) -> Iterator[Session]:
        """One transaction of this run: the guard with cursor and progress, then the caller's rows."""
        with self._transaction() as session:
            self._look_ahead()
            cursor = cursor_of(self._cursor_legs())
            lifecycle.checkpoint(session, self.claim, cursor=cursor, plan=self._plan(), **self._booked())
            crash.point("after_guard")
            yield session
        crash.point("after_page")
        self.pulse.beat(self.now)

    def _look_ahead(self) -> None:
        for name, seconds in self.pace.left(self.resources, self.legs, self.client.bucket).items():
            if self.legs[name].haul is None:
                self.legs[name].seconds_left = seconds

    def _plan(self) -> str:
        """As chosen, and what became of it."""
        return "; ".join([self.plan, *self.bulk.given_up()])

    def _complete(self) -> None:
        legs = self._cursor_legs()
        synced = [name for name, leg in legs.items() if not leg.skipped]
        crash.point("before_complete")
        with self._transaction() as session:
            lifecycle.guard(session, self.claim)
            held = self._held(session)
            lifecycle.complete(session, self.claim, cursor=finished_cursor(legs), held=held, **self._booked())
            store.note_synced(session, self.claim.shop_id, synced, now=self.now)
        crash.point("after_complete")
        log.info("sync.completed", requests=self.client.spent.requests, points=self.client.spent.points)

    def _held(self, session: Session) -> dict[str, Any]:
        counted = store.held(session, self.claim.shop_id, [resource.name for resource in self.resources])
        return {
            name: {"rows": counted.get(name, {"shop": 1}), "as_of": self._as_of(name, leg), "skipped": leg.skipped}
            | noted(leg)
            for name, leg in self.legs.items()
        }

    def _as_of(self, name: str, leg: Leg) -> str | None:
        moment = leg.watermark if leg.skipped else leg.started
        return moment.isoformat() if moment else None

    def _release(self) -> None:
        with self._transaction() as session:
            lifecycle.release(session, self.claim, now=self.now)
        log.info("sync.released")

    def _fail(self, error: Exception) -> None:
        claim = self.claim
        if hasattr(self, "access"):
            # The hold is judged by the token that was used last, not by the one that was claimed with.
            claim = replace(claim, token_version=self.access.version)
        with self._transaction() as session:
            failed = lifecycle.fail(session, claim, error=error, now=self.now, settings=self.tools.settings)
        at = [] if isinstance(error, ShopifyError) else places(error)
        log.warning("sync.failed", cause=failed.cause.name, hold=failed.hold, why=failed.cause.message, at=at)

    @contextmanager
    def _transaction(self) -> Iterator[Session]:
        with self.tools.database.write() as session:
            self.now = self.tools.database.now(session)
            yield session

    def _booked(self) -> dict[str, Any]:
        spent = self.client.spent
        return {
            "progress": progress_of(self.legs),
            "usage": Usage(spent.requests, spent.points, spent.bytes),
            "now": self.now,
            "settings": self.tools.settings,
        }

    def _cursor_legs(self) -> dict[str, Leg]:
        return {name: leg for name, leg in self.legs.items() if name != identity.NAME}

    def _keep_token(self) -> None:
        # The moment of the last page will do: a token is refreshed ten minutes before its end.
        self.access.keep_fresh(self.now)
        self.client.use(self.access.token)

    def _moment(self) -> datetime:
        with self.tools.database.read() as session:
            return self.tools.database.now(session)

    def _waiting(self, seconds: float) -> None:
        self.pulse.beat(self._moment() + timedelta(seconds=seconds))

    def _breathe(self) -> None:
        """Between two pages of a nested connection: it moves, and it may be told to stop."""
        self._waiting(0)
        self._stop_if_told()

    def _stop_if_told(self) -> None:
        if self.stopping.is_set():
            raise Released("this process is stopping")


@contextmanager
def _needed() -> Iterator[None]:
    """Without this nothing can be synced: a denial holds the shop."""
    try:
        yield
    except AccessDenied as denied:
        raise _hold(denied, str(denied)) from denied


def _hold(denied: AccessDenied, message: str) -> Held:
    return Held(Hold.SCOPE, message, status=denied.status, request_id=denied.request_id)
