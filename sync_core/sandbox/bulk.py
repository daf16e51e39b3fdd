"""Bulk operations of each shop: submitted, run in the background, told of by webhook, their files kept a week."""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, finalize

from sync_core.sandbox.bulk_operation import Operation
from sync_core.sandbox.draws import first_id
from sync_core.sandbox.faults import Fault
from sync_core.sandbox.graphql.bulk import Walk, compile_bulk
from sync_core.sandbox.graphql.pages import Page, child_page
from sync_core.sandbox.graphql.problems import Refusal
from sync_core.sandbox.graphql.run import Run
from sync_core.sandbox.moments import Clock
from sync_core.sandbox.scatter import Scatter
from sync_core.sandbox.shops import Shop
from sync_core.sandbox.table import Row

if TYPE_CHECKING:
    from sync_core.sandbox.subscriptions import Subscriptions

ROOTS_AT_ONCE = 50
STUCK_SECONDS = 0.02
"""How often an operation that never moves looks whether it was cancelled."""
ENDS = {"canceled": "CANCELED", "expired": "EXPIRED", "failed": "FAILED"}
TERM = re.compile(r"(\w+):['\"]?(\w+)")


class Operations:
    """Every operation of every shop, and their files. In memory: a restarted sandbox knows none."""

    def __init__(self, clock: Clock, finished: Callable[[Shop, Operation], None]) -> None:
        self.clock, self.finished = clock, finished
        self.folder = Path(tempfile.mkdtemp(prefix="sandbox-bulk-"))
        finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        # By the shop itself: one that is remade begins without any.
        self._by_shop: WeakKeyDictionary[Shop, list[Operation]] = WeakKeyDictionary()
        self._tasks: set[asyncio.Task[None]] = set()

    def of(self, shop: Shop) -> list[Operation]:
        """A shop's operations, oldest first."""
        return self._by_shop.setdefault(shop, [])

    def stored(self, name: str) -> tuple[Shop, Operation] | None:
        """The shop and the operation that a file belongs to."""
        found = ((shop, made) for shop, listed in self._by_shop.items() for made in listed)
        return next(((shop, made) for shop, made in found if made.path.name == name), None)

    def start(self, shop: Shop, query: str, walk: Walk, run: Run, *, grouped: bool) -> Operation:
        """A new operation, under way in this loop."""
        number = first_id(shop.settings.key) + 1 + len(self.of(shop))
        path = self.folder / f"bulk-{number}-{secrets.token_hex(4)}.jsonl"
        path.touch()
        operation = Operation(number, query, self.clock(), path)
        self.of(shop).append(operation)
        work = Work(self, shop, operation, walk, run, Scatter(Random(number), grouped=grouped))
        task = asyncio.get_running_loop().create_task(work.carry())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return operation

    def end(self, shop: Shop, operation: Operation, status: str, error: str | None = None) -> None:
        """It is over; the app is told."""
        operation.status, operation.error, operation.completed = status, error, self.clock()
        self.finished(shop, operation)


@dataclass
class Work:
    """One operation under way."""

    operations: Operations
    shop: Shop
    operation: Operation
    walk: Walk
    run: Run
    scatter: Scatter
    fault: Fault | None = field(init=False)

    async def carry(self) -> None:
        self.fault = self.shop.faults.pick("bulk_run")
        await asyncio.sleep(0)
        if any(guard.error(self.run) for guard in self.run.plan.guards):
            self.operations.end(self.shop, self.operation, "FAILED", "ACCESS_DENIED")
            return
        self.operation.status = "RUNNING"
        try:
            await self._write(self.walk.rows(self.run))
        except Refusal:
            self.operations.end(self.shop, self.operation, "FAILED", "INTERNAL_SERVER_ERROR")
            return
        if self.operation.status == "RUNNING":
            self._finish()

    async def _write(self, rows: Iterator[Row]) -> None:
        rate, begun = self.shop.bulk_objects_per_second, asyncio.get_running_loop().time()
        more = True
        while more and self.operation.status == "RUNNING":
            if rate == 0:
                await asyncio.sleep(STUCK_SECONDS)
                continue
            more = self._write_some(rows)
            late = begun + self.operation.objects / rate if rate else 0.0
            await asyncio.sleep(max(0.0, late - asyncio.get_running_loop().time()))

    def _write_some(self, rows: Iterator[Row]) -> bool:
        """The next roots and what comes with them; False when these were the last."""
        operation = self.operation
        some = [self.walk.lines(row, self.run) for _, row in zip(range(ROOTS_AT_ONCE), rows, strict=False)]
        lines = self.scatter.mixed(some, last=len(some) < ROOTS_AT_ONCE)
        left = self._left() - operation.objects
        lost = self.fault is not None and self.fault.kind == "lossy" and operation.objects >= self.fault.objects
        with operation.path.open("ab") as file:
            file.writelines([] if lost else lines[:left])
        operation.objects += min(left, len(lines))
        operation.roots += len(some)
        return len(some) == ROOTS_AT_ONCE and left > len(lines)

    def _left(self) -> int:
        """After how many objects a fault ends it."""
        return self.fault.objects if self.fault is not None and self.fault.kind in ENDS else 1 << 62

    def _finish(self) -> None:
        fault, end = self.fault, self.operations.end
        if fault is None or fault.kind not in ENDS:
            end(self.shop, self.operation, "COMPLETED")
            return
        self.operation.partial_from = self.operations.clock() + fault.seconds
        code = "INTERNAL_SERVER_ERROR" if fault.message is None else fault.message or None
        end(self.shop, self.operation, ENDS[fault.kind], code if fault.kind == "failed" else None)


@dataclass(frozen=True)
class Bulk:
    """What one request may do with a shop's operations. `origin`: where this server is reached."""

    shop: Shop
    operations: Operations
    subscriptions: Subscriptions
    origin: str

    def submit(self, query: str, *, scopes: frozenset[str], grouped: bool) -> tuple[Row | None, list[Row]]:
        """(row, userErrors)."""
        try:
            walk = compile_bulk(query)
        except Refusal as refusal:
            message = f"Invalid bulk query: {refusal.errors[0]['message']}"
            return None, [{"code": "INVALID", "field": ["query"], "message": message}]
        open_ones = [made for made in self.operations.of(self.shop) if not made.over]
        if len(open_ones) >= self.shop.settings.bulk_slots:
            message = "A bulk query operation for this app and shop is already in progress: the limit is reached."
            return None, [{"code": "LIMIT_REACHED", "field": None, "message": message}]
        return self._row(self.operations.start(self.shop, query, walk, self._run(walk, scopes), grouped=grouped)), []

    def find(self, identity: str) -> Row | None:
        found = self._one(identity)
        return None if found is None else self._row(found)

    def cancel(self, identity: str) -> Row | None:
        """Ends one that is not over."""
        found = self._one(identity)
        if found is None:
            return None
        if not found.over:
            self.operations.end(self.shop, found, "CANCELED", None)
        return self._row(found)

    def chosen(self, args: dict[str, Any]) -> Page:
        """bulkOperations(first, query): by status and operation_type; other filters are ignored."""
        wanted = {name: value.upper() for name, value in TERM.findall(args.get("query") or "")}
        if wanted.get("operation_type", "QUERY") != "QUERY":
            return child_page([], args)
        status = wanted.get("status")
        made = [one for one in self.operations.of(self.shop) if status in (None, one.status)]
        return child_page([self._row(one) for one in made], args)

    def _one(self, identity: str) -> Operation | None:
        return next((made for made in self.operations.of(self.shop) if made.identity == identity), None)

    def _row(self, operation: Operation) -> Row:
        return operation.row(self.origin, self.operations.clock())

    def _run(self, walk: Walk, scopes: frozenset[str]) -> Run:
        return Run(
            self.shop,
            scopes=scopes,
            plan=walk.plan,
            variables={},
            subscriptions=self.subscriptions,
            clock=self.operations.clock,
            bulk=self,
        )
