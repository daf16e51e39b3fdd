"""A town of shops and workers on a clock of its own, over the real lifecycle: who waits how long.

Each second is one transaction: what ended is booked, what arrived is requested, free workers claim
as the claim loop does. Shops named `bad…` always fail, fast.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync_core import install, lifecycle
from sync_core.config import Settings
from sync_core.credentials import TokenPair
from sync_core.db import Database
from sync_core.dispatch import OLDEST_EVERY
from sync_core.errors import Unavailable
from sync_core.lifecycle import Claim, Usage
from sync_core.models import SyncAttempt
from sync_core.states import RESERVED_SHARE, Trigger
from sync_core.vault import open_vault

SYNC_SECONDS, FAIL_SECONDS = 20, 2
BAD = "bad-"


@dataclass
class Town:
    """`workers` threads' worth of claims, and the shops that they run."""

    database: Database
    settings: Settings
    start: datetime
    workers: int
    second: int = 0
    claimed: int = 0
    running: dict[int, list[Claim]] = field(default_factory=dict)
    busy: int = 0

    @property
    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.second)

    def pass_second(self, arriving: Iterable[str] = ()) -> None:
        """One second of everybody's work."""
        with self.database.write() as session:
            for claim in self.running.pop(self.second, ()):
                self._end(session, claim)
            for domain in arriving:
                self._arrive(session, domain)
            self._claim(session)
        self.second += 1

    def waits(self) -> list[float]:
        """Seconds from request to first claim of each shop that is not bad, shortest first."""
        query = select(SyncAttempt.requested_at, SyncAttempt.claimed_at).where(SyncAttempt.reason == "good")
        with self.database.read() as session:
            found = [(claimed - asked).total_seconds() for asked, claimed in session.execute(query) if claimed]
        return sorted(found)

    def _arrive(self, session: Session, domain: str) -> None:
        done = install.register(
            session,
            domain=domain,
            pair=TokenPair("shpat_x"),
            authorised_at=self.now,
            now=self.now,
            settings=self.settings,
            vault=open_vault(self.settings),
        )
        reason = "bad" if domain.startswith(BAD) else "good"
        lifecycle.request(session, done.shop_id, trigger=Trigger.ONBOARDING, now=self.now, reason=reason)

    def _claim(self, session: Session) -> None:
        free = self.workers - self.busy
        if free <= 0:
            return
        oldest = (self.claimed + free) // OLDEST_EVERY - self.claimed // OLDEST_EVERY
        own = {"owner": "town", "limit": free, "oldest": oldest, "reserve": self.workers // RESERVED_SHARE}
        claims = lifecycle.claim(session, now=self.now, settings=self.settings, **own)
        self.claimed += len(claims)
        self.busy += len(claims)
        for claim in claims:
            seconds = FAIL_SECONDS if claim.shop_domain.startswith(BAD) else SYNC_SECONDS
            self.running.setdefault(self.second + seconds, []).append(claim)

    def _end(self, session: Session, claim: Claim) -> None:
        self.busy -= 1
        if claim.shop_domain.startswith(BAD):
            error = Unavailable("Shopify answered 503")
            lifecycle.fail(session, claim, error=error, now=self.now, settings=self.settings)
            return
        own = {"now": self.now, "settings": self.settings, "usage": Usage(1)}
        lifecycle.complete(session, claim, cursor={}, progress={}, held={}, **own)
