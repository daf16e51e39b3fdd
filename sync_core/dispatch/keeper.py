"""The runs of this process, whoever gave them to it: each in its thread, its lease kept, given back at the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from sqlalchemy.exc import SQLAlchemyError

from sync_core import crash, lifecycle
from sync_core.errors import StaleClaim, Stalled
from sync_core.heartbeat import Doing
from sync_core.lifecycle import Claim
from sync_core.runner import Pulse, Tools, run

PATIENCE_SECONDS = 20.0
RENEWALS_PER_LEASE = 4

log = structlog.get_logger()


@dataclass
class Run:
    """One claimed attempt in its thread."""

    claim: Claim
    pulse: Pulse
    ended: Callable[[], object]
    thread: threading.Thread = field(init=False)


class Keeper:
    """Starts claimed runs and keeps them; one per process."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._runs: dict[str, Run] = {}
        self._lock = threading.Lock()

    @property
    def running(self) -> int:
        """How many runs have not ended."""
        return len(self._runs)

    def doing(self) -> Doing:
        """What this process is at, for the heartbeat."""
        running = self.running
        return Doing(running, f"syncing {running}" if running else "idle")

    def start(self, claim: Claim, stopping: threading.Event, *, ended: Callable[[], object]) -> None:
        """Carry the claim in a thread of its own; `ended` is called there when it is over."""
        task = Run(claim, Pulse(claim.claimed_at), ended)
        task.thread = threading.Thread(
            target=self._carry, args=(task, stopping), name=f"sync {claim.shop_domain}", daemon=True
        )
        with self._lock:
            self._runs[claim.attempt_id] = task
        task.thread.start()
        crash.point("after_dispatch")

    def keep_leases(self, stopping: threading.Event) -> None:
        """Renew every lease four times in its life, in a thread, until told to stop and all runs have ended."""
        threading.Thread(target=self._keep_leases, args=(stopping,), name="leases", daemon=True).start()

    def give_back(self) -> None:
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
            except SQLAlchemyError as error:
                log.warning("run.not_released", shop=task.claim.shop_domain, error=type(error).__name__)
                continue
            log.info("run.released", shop=task.claim.shop_domain, attempt=task.claim.attempt_id)

    def _carry(self, task: Run, stopping: threading.Event) -> None:
        try:
            run(task.claim, self._tools, pulse=task.pulse, stopping=stopping)
        except Exception:
            # the lease ends and somebody takes the shop over; this thread must not die silently
            log.exception("run.lost", shop=task.claim.shop_domain, attempt=task.claim.attempt_id)
        finally:
            with self._lock:
                self._runs.pop(task.claim.attempt_id, None)
            task.ended()

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
        except SQLAlchemyError as error:
            # the lease was not renewed either: the next look tries again, or somebody takes the shop over
            log.warning("stall.not_booked", shop=claim.shop_domain, error=type(error).__name__)
            return
        log.warning("run.stalled", shop=claim.shop_domain, attempt=claim.attempt_id)
