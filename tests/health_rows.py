"""Rows for the tests of the read side, inserted directly: each with the least that a test must say."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy.orm import Session

from sync_core import finding
from sync_core.models import (
    Base,
    Heartbeat,
    Install,
    ShopProfile,
    ShopSync,
    Sweep,
    SyncAttempt,
    Transition,
)
from sync_core.states import Status

DAY = timedelta(days=1)


@dataclass
class Rows:
    """Inserts rows around one moment."""

    session: Session
    now: datetime
    numbers: Any = field(default_factory=lambda: count(1))

    def shop(self, name: str = "", **values: Any) -> str:
        """A shop; COMPLETED an hour ago unless said otherwise. Returns its id."""
        name = name or f"shop-{next(self.numbers)}"
        plain: dict[str, Any] = {
            "shop_id": f"id-{name}",
            "shop_domain": f"{name}.myshopify.com",
            "status": Status.COMPLETED,
            "since": self.now - timedelta(hours=1),
            "installed_at": self.now - timedelta(days=3),
            "authorised_at": self.now - timedelta(days=3),
        }
        if values.get("status") == Status.IN_PROGRESS:
            plain |= {"lease_owner": "worker@host:1", "due_at": self.now + timedelta(seconds=50)}
        shop_id = self.add(ShopSync(**(plain | values))).shop_id
        finding.know(self.session, shop_id)
        return shop_id

    def profile(self, shop_id: str, name: str, **values: Any) -> None:
        plain = {"shop_id": shop_id, "name": name, "name_folded": name.casefold(), "updated_at": self.now}
        self.add(ShopProfile(**(plain | values)))
        finding.know(self.session, shop_id, plain | values)

    def install(self, shop_id: str, installed_at: datetime, **values: Any) -> None:
        """An episode; `claimed` and `synced` are seconds after the install."""
        for word, column in (("claimed", "first_claimed_at"), ("synced", "first_synced_at"), ("left", "withdrawn_at")):
            if word in values:
                values[column] = installed_at + timedelta(seconds=values.pop(word))
        plain = {
            "shop_id": shop_id,
            "generation": 1,
            "installed_at": installed_at,
            "pickup_deadline": installed_at + timedelta(minutes=13),
            "success_deadline": installed_at + DAY,
        }
        self.add(Install(**(plain | values)))

    def installed(self, installed_at: datetime, **values: Any) -> str:
        """A synced shop with its one episode."""
        shop_id = self.shop(installed_at=installed_at)
        self.install(shop_id, installed_at, **values)
        return shop_id

    def attempt(self, shop_id: str, ended_at: datetime | None, outcome: str | None, **values: Any) -> str:
        begun = (ended_at or self.now) - timedelta(seconds=30)
        plain = {
            "trigger": "retry",
            "requested_at": begun,
            "claimed_at": begun,
            "fence": next(self.numbers),
            "number": 1,
        }
        plain |= {"shop_id": shop_id, "generation": 1, "ended_at": ended_at, "outcome": outcome}
        row = SyncAttempt(**(plain | values))
        return self.add(row).id

    def hold(self, shop_id: str, at: datetime, hold: str | None) -> None:
        """A transition to (or out of) a hold."""
        own = {"from_status": "IN_PROGRESS", "to_status": "FAILED", "to_hold": hold, "event": "failed"}
        self.add(Transition(shop_id=shop_id, generation=1, at=at, **own))

    def sweep(self, begun_at: datetime, **values: Any) -> str:
        """A tick that ended well after a second."""
        plain = {
            "period_seconds": 300,
            "profile": "prompt",
            "by": "scheduler@host:1",
            "ended_at": begun_at + timedelta(seconds=1),
        }
        return self.add(Sweep(begun_at=begun_at, **(plain | values))).id

    def beat(self, role: str, seen_at: datetime, **values: Any) -> None:
        plain = {"process": f"{role}@host:1", "host": "host", "pid": 1, "version": "1", "started_at": seen_at}
        self.add(Heartbeat(role=role, seen_at=seen_at, **(plain | values)))

    def add(self, row: Any) -> Any:
        assert isinstance(row, Base)
        self.session.add(row)
        self.session.flush()
        return row
