"""A run's bulk operations: submitted together, read one after another, given up for pages when they fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

import structlog
from sqlalchemy import Table
from sqlalchemy.orm import Session

from sync_core import crash, removals, scattered, store
from sync_core.db import Database
from sync_core.errors import AccessDenied, BulkBusy, BulkFailed, Refused
from sync_core.plan import bulk_seconds
from sync_core.progress import Haul, Leg
from sync_core.resources.resource import Resource
from sync_core.roads import bulk as road
from sync_core.roads.bulk import Carrier, Load
from sync_core.roads.reader import named
from sync_core.scattered import Scattered
from sync_core.shopify.bulk import Operation

MOST_FAILURES = 2
DENIED = "the app may not run bulk operations"

log = structlog.get_logger()


@dataclass
class BulkRun:
    """The bulk operations of one run. `page` is the run's transaction: the guard with cursor and progress first."""

    shop_id: str
    database: Database
    carrier: Carrier
    legs: dict[str, Leg]
    page: Callable[[], AbstractContextManager[Session]]
    reasons: dict[str, list[str]] = field(default_factory=dict)
    """Why resources that were to come by bulk operation come page by page: reason → their names."""

    def given_up(self) -> list[str]:
        """For the attempt's plan: "products, orders page by page: …"."""
        return [f"{', '.join(names)} page by page: {why}" for why, names in self.reasons.items()]

    def submit(self, resources: Sequence[Resource]) -> None:
        """Start the operations that the plan chose: Shopify runs up to five of a shop at once."""
        for resource in resources:
            leg = self.legs[resource.name]
            if leg.haul is not None and leg.haul.id is None and not leg.ended:
                self._submit(resource, leg, leg.haul)

    def read(self, resource: Resource, leg: Leg) -> None:
        """Store what comes by bulk operation. The leg has not ended after it when pages must do it."""
        while leg.haul is not None and not leg.ended:
            if leg.haul.id is None:
                self._submit(resource, leg, leg.haul)
                continue
            try:
                with named(f"{resource.name}, in bulk"):
                    self._store_all(resource, leg, leg.haul)
            except BulkFailed as failed:
                self._failed(resource, leg, failed)

    def _submit(self, resource: Resource, leg: Leg, haul: Haul) -> None:
        """Start it, and store its id before anything else is asked."""
        if DENIED in self.reasons:
            self._by_pages(resource, leg, DENIED)
            return
        try:
            operation = road.submit(self.carrier, road.document(resource, leg, self.carrier.reader.scopes))
        except AccessDenied:
            leg.denied = self.carrier.moment()
            self._by_pages(resource, leg, DENIED)
        except BulkBusy:
            self._by_pages(resource, leg, "as many bulk operations run as may")
        except Refused as refused:
            log.warning("bulk.refused", resource=resource.name, why=str(refused))
            self._by_pages(resource, leg, "Shopify refused the bulk query")
        else:
            crash.point("bulk_submitted")
            with self.database.read() as session:
                fresh = not store.count(session, self.shop_id, removals.ROOTS[resource.name])
            submitted = self.carrier.moment().isoformat()
            leg.seconds_left = round(bulk_seconds(resource, leg), 1)
            leg.start_over(replace(haul, id=operation.id, fresh=fresh, submitted=submitted))
            self._restart(resource)
            log.info("bulk.submitted", resource=resource.name, operation=operation.id)

    def _store_all(self, resource: Resource, leg: Leg, haul: Haul) -> None:
        began: datetime | None = None
        for load in road.read(self.carrier, resource, haul, on_move=partial(self._moved, leg)):
            crash.point("after_fetch")
            began = began or self.carrier.moment()
            self._store(resource, leg, load)
            seconds = (self.carrier.moment() - began).total_seconds()
            leg.seconds_left = round(seconds / load.share - seconds, 1)
        self._settle(resource, leg, haul)

    def _moved(self, leg: Leg, operation: Operation) -> None:
        """How long Shopify still writes, by what it wrote so far; storing it takes little beside."""
        submitted = leg.haul.submitted if leg.haul else None
        if operation.roots and submitted and leg.total is not None:
            seconds = (self.carrier.moment() - datetime.fromisoformat(submitted)).total_seconds()
            leg.seconds_left = round(max(0, leg.total - operation.roots) * seconds / operation.roots, 1)
        with self.page():
            pass

    def _store(self, resource: Resource, leg: Leg, load: Load) -> None:
        leg.haul = load.haul
        leg.advance(roots=load.roots, after=None, ended=False)
        with self.page() as session:
            self._scattered(session, resource, load.haul).store(load.batch)
        log.info("sync.bulk", resource=resource.name, done=leg.done, total=leg.total)

    def _settle(self, resource: Resource, leg: Leg, haul: Haul) -> None:
        """All lines are stored: the children that waited, then what left its parent; then it is done."""
        for table in removals.CHILDREN[removals.ROOTS[resource.name]]:
            more = True
            while more:
                with self.page() as session:
                    more = self._scattered(session, resource, haul).settle(table)
        for table in resource.rows([]).whole:
            if not haul.fresh:
                self._remove_gone(resource, haul, table)
        leg.hauled(self.carrier.moment())
        self._restart(resource)

    def _remove_gone(self, resource: Resource, haul: Haul, table: Table) -> None:
        after: str | None = ""
        while after is not None:
            with self.page() as session:
                after = self._scattered(session, resource, haul).remove_gone(table, after=after)

    def _scattered(self, session: Session, resource: Resource, haul: Haul) -> Scattered:
        return Scattered(session, self.shop_id, removals.ROOTS[resource.name], marked=not haul.fresh)

    def _failed(self, resource: Resource, leg: Leg, failed: BulkFailed) -> None:
        failures = leg.haul.failures + 1 if leg.haul else MOST_FAILURES
        log.warning("bulk.failed", resource=resource.name, failures=failures, why=failed.reason)
        if failed.denied or failures >= MOST_FAILURES:
            self._by_pages(resource, leg, failed.reason)
            return
        leg.start_over(Haul(failures=failures))
        self._restart(resource)

    def _by_pages(self, resource: Resource, leg: Leg, why: str) -> None:
        leg.start_over(None)
        self.reasons.setdefault(why, []).append(resource.name)
        self._restart(resource)
        log.info("bulk.given_up", resource=resource.name, why=why)

    def _restart(self, resource: Resource) -> None:
        """Store how the leg stands; what was remembered of a file before is of no use any more."""
        above = removals.ROOTS[resource.name]
        with self.page() as session:
            scattered.forget(session, self.shop_id, [above, *removals.CHILDREN[above]])
