"""Where every install of a window went: exactly one class each, so that a lost shop shows as a gap."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session

from sync_core.health.cohort import PATH_OF, PATH_ORDER, Cohort
from sync_core.health.conditions import TROUBLED, is_overdue
from sync_core.health.episodes import UNSYNCED
from sync_core.health.hours import Window
from sync_core.models import Install, ShopSync
from sync_core.states import Hold, Status

LOST = "lost"
"""Not synced, not blocked, and nothing will start it: a shop that the promise has lost."""

GONE = "uninstalled"
"""Also of an install that another one of the same shop has followed."""
WITHDRAWN = Install.withdrawn_at.is_not(None)

CLASSES = (*PATH_ORDER, "waiting", "overdue", "retrying", "held", GONE, LOST)


@dataclass(frozen=True)
class Ledger:
    """Every install of the window in exactly one class; the unsynced ones as they stand now."""

    installs: int
    classes: dict[str, int]

    @property
    def gap(self) -> int:
        """Installs that are lost, or in no class at all; 0 unless something is broken."""
        return self.installs - sum(n for name, n in self.classes.items() if name != LOST)


def ledger(session: Session, installs: Cohort, *, now: datetime) -> Ledger:
    """Synced installs by path, the others by where they are now. The total is counted on its own."""
    classes = dict.fromkeys(CLASSES, 0) | installs.synced
    for name, n in session.execute(_others(installs.layers.window, now)):
        classes[name] += n
    return Ledger(installs.all, classes)


def _others(window: Window, now: datetime) -> Select[str, int]:
    """(class, installs) of those without data at their deadline: looked at one by one, they may have moved since.

    Where the shop is now is a question of its own for each: as a join PostgreSQL read every shop there is.
    """
    present = and_(ShopSync.shop_id == Install.shop_id, ShopSync.generation == Install.generation)
    standing = select(_standing(now)).where(present).correlate(Install).scalar_subquery()
    named = _class(func.coalesce(standing, GONE)).label("class")
    query = select(named, func.count()).select_from(Install)
    after = Install.success_deadline >= window.since
    return query.where(window.holds(Install.installed_at), UNSYNCED, after).group_by("class")


def in_class(name: str, window: Window, *, now: datetime) -> ColumnElement[bool]:
    """The shops with an install of the window in this class, as a condition on shop_sync."""
    its = and_(window.holds(Install.installed_at), Install.shop_id == ShopSync.shop_id)
    present = Install.generation == ShopSync.generation
    standing = _class(case((present, _standing(now)), else_=GONE))
    return and_(exists().where(its, standing == name), *_served_by_index(name, window, now))


def _class(standing: ColumnElement[str]) -> ColumnElement[str]:
    """The class of an install; `standing`: of one without data that was not withdrawn."""
    return case(*_synced(), (WITHDRAWN, GONE), else_=standing)


def _standing(now: datetime) -> ColumnElement[str]:
    """The class of an install that is its shop's present one, and has no data."""
    return case(
        (ShopSync.hold == Hold.UNINSTALLED.value, GONE),
        (ShopSync.hold.is_not(None), "held"),
        (is_overdue(now), "overdue"),
        (and_(ShopSync.due_at.is_(None), ShopSync.wake_at.is_(None)), LOST),
        (ShopSync.failures > 0, "retrying"),
        (ShopSync.status == Status.COMPLETED.value, LOST),
        else_="waiting",
    )


def _synced() -> list[tuple[ColumnElement[bool], str]]:
    synced = Install.first_synced_at.is_not(None)
    by_path = [(and_(synced, Install.path == trigger.value), path) for trigger, path in PATH_OF.items()]
    return [*by_path, (synced, "wake")]


def _served_by_index(name: str, window: Window, now: datetime) -> list[ColumnElement[bool]]:
    """What also holds of the few shops of a rare class, so that a partial index finds them among a million."""
    after = Install.success_deadline >= window.since
    unsynced = select(Install.shop_id).where(window.holds(Install.installed_at), UNSYNCED, after)
    also: dict[str, list[ColumnElement[bool]]] = {
        "held": [TROUBLED, ShopSync.hold.is_not(None)],
        "retrying": [TROUBLED, ShopSync.hold.is_(None)],
        "overdue": [is_overdue(now)],
        "waiting": [or_(ShopSync.due_at.is_not(None), ShopSync.wake_at.is_not(None))],
        LOST: [ShopSync.due_at.is_(None), ShopSync.wake_at.is_(None), ShopSync.shop_id.in_(unsynced)],
    }
    return also.get(name, [])
