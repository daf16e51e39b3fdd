"""Where every install of a window went: exactly one class each, so that a lost shop shows as a gap."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import Session

from sync_core.health.conditions import is_overdue
from sync_core.health.episodes import Window
from sync_core.health.times import PATH_OF, PATH_ORDER
from sync_core.models import Install, ShopSync
from sync_core.states import Hold

CLASSES = (*PATH_ORDER, "waiting", "overdue", "retrying", "held", "uninstalled")


@dataclass(frozen=True)
class Ledger:
    """Every install of the window in exactly one class; the unsynced ones as they stand now."""

    installs: int
    classes: dict[str, int]

    @property
    def gap(self) -> int:
        return self.installs - sum(self.classes.values())


def ledger(session: Session, window: Window, *, now: datetime) -> Ledger:
    """Synced installs by path, the others by where they are. The total is counted on its own."""
    chosen = window.holds(Install.installed_at)
    total = session.execute(select(func.count()).select_from(Install).where(chosen)).scalar_one()
    named = _class(now).label("class")
    present = and_(ShopSync.shop_id == Install.shop_id, ShopSync.generation == Install.generation)
    query = select(named, func.count()).select_from(Install).outerjoin(ShopSync, present)
    found = {name: n for name, n in session.execute(query.where(chosen).group_by("class"))}  # noqa: C416
    return Ledger(total, {name: found.get(name, 0) for name in CLASSES})


def _class(now: datetime) -> ColumnElement[str]:
    synced = Install.first_synced_at.is_not(None)
    by_path = [(and_(synced, Install.path == trigger.value), path) for trigger, path in PATH_OF.items()]
    return case(
        *by_path,
        (synced, "wake"),
        (Install.withdrawn_at.is_not(None), "uninstalled"),
        (ShopSync.shop_id.is_(None), "uninstalled"),
        (ShopSync.hold == Hold.UNINSTALLED.value, "uninstalled"),
        (ShopSync.hold.is_not(None), "held"),
        (is_overdue(now), "overdue"),
        (ShopSync.failures > 0, "retrying"),
        else_="waiting",
    )
