"""The pool: this process claims as many as it has free threads and starts each in the same step."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from sync_core import crash, lifecycle
from sync_core.dispatch.keeper import Keeper
from sync_core.heartbeat import Doing
from sync_core.lifecycle import Claim
from sync_core.runner import Tools
from sync_core.states import RESERVED_SHARE

LOOK_SECONDS = 1.0
OLDEST_EVERY = 10
"""Every tenth claim goes to the longest waiting, whatever its priority."""
RESCUE_EVERY = timedelta(seconds=1)
"""How often shops whose worker died are looked for, before all others."""

log = structlog.get_logger()


class ClaimLoop:
    """Claims and runs until told to stop. One per process."""

    def __init__(self, tools: Tools, *, owner: str) -> None:
        self._tools = tools
        self._owner = owner
        self._keeper = Keeper(tools)
        self._freed = threading.Event()
        self._claimed = 0
        self._rescued_at: datetime | None = None

    def doing(self) -> Doing:
        """What this loop is at, for the heartbeat."""
        return self._keeper.doing()

    def run(self, stopping: threading.Event) -> None:
        """Claim, start, keep; returns once `stopping` is set and every claim is ended or given back."""
        self._keeper.keep_leases(stopping)
        while not stopping.is_set():
            if self._claim_free(stopping) == 0:
                self._freed.wait(LOOK_SECONDS)
                self._freed.clear()
        self._keeper.give_back()

    def _claim_free(self, stopping: threading.Event) -> int:
        """Claim as many as there are free threads and start them; the number claimed."""
        free = self._tools.settings.workers - self._keeper.running
        if free <= 0:
            return 0
        try:
            claims = self._claim(free)
        except SQLAlchemyError as error:
            log.warning("claim.failed", error=type(error).__name__)
            return 0
        for claim in claims:
            self._keeper.start(claim, stopping, ended=self._freed.set)
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
                rescues=limit if self._rescue_due(now) else 0,
                oldest=oldest,
                reserve=self._tools.settings.workers // RESERVED_SHARE,
            )
        if claims:
            crash.point("after_claim")
        self._claimed += len(claims)
        return claims

    def _rescue_due(self, now: datetime) -> bool:
        """Once a second; a clock that was set back makes it due, too."""
        if self._rescued_at is not None and abs(now - self._rescued_at) < RESCUE_EVERY:
            return False
        self._rescued_at = now
        return True
