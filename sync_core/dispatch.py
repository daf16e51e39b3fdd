"""Who runs what is awake: the claim loop and the threads of this process.

The claim in the database decides (lifecycle.claims); this module only asks for as many claims as it
has free threads, starts each in the same step, keeps their leases, and gives them back at the end.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import structlog
from sqlalchemy.exc import SQLAlchemyError

from sync_core import crash, lifecycle
from sync_core.errors import StaleClaim, Stalled
from sync_core.heartbeat import Doing
from sync_core.lifecycle import Claim
from sync_core.runner import Pulse, Tools, run

LOOK_SECONDS = 1.0
PATIENCE_SECONDS = 20.0
RENEWALS_PER_LEASE = 4
OLDEST_EVERY = 10
"""Every tenth claim goes to the longest waiting, whatever its priority."""
RESERVED_SHARE = 4
"""One worker in four is kept for the most urgent: first syncs and what people ask for."""

log = structlog.get_logger()


@dataclass
class Run:
    """One claimed attempt in its thread."""

    claim: Claim
    pulse: Pulse
    thread: threading.Thread = field(init=False)


class ClaimLoop:
    """Claims and runs until told to stop. One per process."""

    def __init__(self, tools: Tools, *, owner: str) -> None:
        self._tools = tools
        self._owner = owner
        self._runs: dict[str, Run] = {}
        self._lock = threading.Lock()
        self._freed = threading.Event()
        self._claimed = 0

    def doing(self) -> Doing:
        """What this loop is at, for the heartbeat."""
        running = len(self._runs)
        return Doing(running, f"syncing {running}" if running else "idle")

    def run(self, stopping: threading.Event) -> None:
        """Claim, start, keep; returns once `stopping` is set and every claim is ended or given back."""
        renewer = threading.Thread(target=self._keep_leases, args=(stopping,), name="leases", daemon=True)
        renewer.start()
        while not stopping.is_set():
            if self._claim_free(stopping) == 0:
                self._freed.wait(LOOK_SECONDS)
                self._freed.clear()
        self._give_back()

    def _claim_free(self, stopping: threading.Event) -> int:
        """Claim as many as there are free threads and start them; the number claimed."""
        free = self._tools.settings.workers - len(self._runs)
        if free <= 0:
            return 0
        try:
            claims = self._claim(free)
        except SQLAlchemyError as error:
            log.warning("claim.failed", error=type(error).__name__)
            return 0
        for claim in claims:
            self._start(claim, stopping)
        return len(claims)

    def _claim(self, limit: int) -> list[Claim]:
        oldest = (self._claimed + limit) // OLDEST_EVERY - self._claimed // OLDEST_EVERY
        with self._tools.database.write() as session:
            now = self._tools.database.now(session)
            claims = lifecycle.claim(
                session,
                owner=self._owner,
                limit=limit,
                now=now,
                settings=self._tools.settings,
                oldest=oldest,
                reserve=self._tools.settings.workers // RESERVED_SHARE,
            )
        if claims:
            crash.point("after_claim")
        self._claimed += len(claims)
        return claims

    def _start(self, claim: Claim, stopping: threading.Event) -> None:
        task = Run(claim, Pulse(claim.claimed_at))
        task.thread = threading.Thread(
            target=self._carry, args=(task, stopping), name=f"sync {claim.shop_domain}", daemon=True
        )
        with self._lock:
            self._runs[claim.attempt_id] = task
        task.thread.start()
        crash.point("after_dispatch")

    def _carry(self, task: Run, stopping: threading.Event) -> None:
        try:
            run(task.claim, self._tools, pulse=task.pulse, stopping=stopping)
        except Exception:
            # the lease ends and somebody takes the shop over; this thread must not die silently
            log.exception("run.lost", shop=task.claim.shop_domain, attempt=task.claim.attempt_id)
        finally:
            with self._lock:
                self._runs.pop(task.claim.attempt_id, None)
            self._freed.set()

    def _present(self) -> list[Run]:
        with self._lock:
            return list(self._runs.values())

    def _keep_leases(self, stopping: threading.Event) -> None:
        pause = self._tools.settings.lease_seconds / RENEWALS_PER_LEASE
        while not stopping.is_set() or self._runs:
            time.sleep(pause)
            for task in self._present():
                self._keep_lease(task)

    def _keep_lease(self, task: Run) -> None:
        tools, claim = self._tools, task.claim
        try:
            with tools.database.write() as session:
                now = tools.database.now(session)
                progressed_at = task.pulse.progressed_at
                lifecycle.renew(session, claim, progressed_at=progressed_at, now=now, settings=tools.settings)
        except StaleClaim:
            log.info("lease.over", shop=claim.shop_domain, attempt=claim.attempt_id)
        except Stalled as stalled:
            self._end_stalled(claim, stalled)
        except SQLAlchemyError as error:
            log.warning("lease.not_renewed", shop=claim.shop_domain, error=type(error).__name__)

    def _end_stalled(self, claim: Claim, stalled: Stalled) -> None:
        """The thread may hang for ever; the fence keeps it from writing when it comes back."""
        tools = self._tools
        try:
            with tools.database.write() as session:
                now = tools.database.now(session)
                lifecycle.fail(session, claim, error=stalled, now=now, settings=tools.settings)
        except StaleClaim:
            return
        log.warning("run.stalled", shop=claim.shop_domain, attempt=claim.attempt_id)

    def _give_back(self) -> None:
        """Let pages end, then release what still runs: its successor starts elsewhere at once."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        for task in self._present():
            task.thread.join(timeout=max(0.0, deadline - time.monotonic()))
        for task in self._present():
            try:
                with self._tools.database.write() as session:
                    lifecycle.release(session, task.claim, now=self._tools.database.now(session))
            except StaleClaim:
                continue
            log.info("run.released", shop=task.claim.shop_domain, attempt=task.claim.attempt_id)
