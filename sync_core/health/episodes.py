"""Sync success and pick-up: installs judged at their own deadlines.

An install belongs to the window in which its deadline falls, and is judged only when that is past.
Whatever decides it happened before its deadline, so its hour can be rolled up once that is over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, literal, literal_column, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from sync_core.health.conditions import MERCHANT_SIDE, NAME
from sync_core.health.hours import PATIENCE, Family, Window
from sync_core.health.spans import moment, seconds_between
from sync_core.models import Install, ShopProfile, ShopSync, SyncAttempt, Transition
from sync_core.states import Outcome

DAY = timedelta(hours=24)
"""How long after its install an episode's success is judged; what is younger may still change."""


@dataclass(frozen=True)
class Worst:
    """The shop behind a figure. `seconds`: how long it took or waits."""

    shop_id: str
    domain: str
    name: str
    seconds: float


UNSYNCED = or_(Install.first_synced_at.is_(None), Install.first_synced_at > Install.success_deadline)
"""No data by its deadline, in the words of ix_install_unsynced."""
UNTAKEN = or_(Install.first_claimed_at.is_(None), Install.first_claimed_at > Install.pickup_deadline)
"""Claimed by no worker of ours by its deadline, in the words of ix_install_untaken."""

SYNCED = and_(Install.first_synced_at.is_not(None), Install.first_synced_at <= Install.success_deadline)
LEFT_UNSYNCED = and_(
    Install.withdrawn_at.is_not(None),
    Install.withdrawn_at <= Install.success_deadline,
    or_(Install.first_synced_at.is_(None), Install.first_synced_at > Install.withdrawn_at),
)
TAKEN = or_(
    and_(Install.first_claimed_at.is_not(None), Install.first_claimed_at <= Install.pickup_deadline),
    and_(Install.first_synced_at.is_not(None), Install.first_synced_at <= Install.pickup_deadline),
)
"""By anybody: the app's own sync of a shop that we adopted counts, too."""
LEFT_UNTAKEN = and_(
    Install.withdrawn_at.is_not(None),
    Install.withdrawn_at <= Install.pickup_deadline,
    or_(Install.first_claimed_at.is_(None), Install.first_claimed_at > Install.withdrawn_at),
)
MISSED_SYNC = and_(UNSYNCED, ~LEFT_UNSYNCED)
MISSED_PICK_UP = and_(UNTAKEN, ~case((TAKEN, True), else_=False), ~LEFT_UNTAKEN)

SPOILED = (Outcome.FAILED, Outcome.ORPHANED, Outcome.STOLEN)
"""Ends of an attempt after which a later success is no first-attempt success; a hand-over at a restart is none."""

SPOILS = SyncAttempt.outcome.in_([literal_column(f"'{outcome.value}'") for outcome in SPOILED])
"""The condition of ix_sync_attempt_spoiled, in its own words."""


def _spoiled() -> ColumnElement[bool]:
    mine = and_(SyncAttempt.shop_id == Install.shop_id, SyncAttempt.generation == Install.generation)
    return exists().where(mine, SPOILS, SyncAttempt.ended_at <= Install.first_synced_at)


def _blocked() -> ColumnElement[bool]:
    """Under a merchant-side hold at the deadline, as the transitions tell."""
    newest = (Transition.at.desc(), Transition.fence.desc(), Transition.id.desc())
    until = and_(Transition.shop_id == Install.shop_id, Transition.at <= Install.success_deadline)
    held = select(Transition.to_hold).where(until).order_by(*newest).limit(1).correlate(Install).scalar_subquery()
    return held.in_([hold.value for hold in MERCHANT_SIDE])


SUCCESS = Family(
    "success",
    Install.success_deadline,
    lag=PATIENCE,
    figures={
        "n": ~LEFT_UNSYNCED,
        "k": and_(SYNCED, ~LEFT_UNSYNCED),
        "blocked": case((MISSED_SYNC, case((_blocked(), True), else_=False)), else_=False),
        "first": case((and_(SYNCED, ~LEFT_UNSYNCED), ~_spoiled()), else_=False),
    },
)
"""Synced within their deadline, of those not uninstalled before; blocked: misses that are the merchant's."""

PICK_UP = Family(
    "pick_up",
    Install.pickup_deadline,
    lag=PATIENCE,
    figures={"n": ~LEFT_UNTAKEN, "k": and_(TAKEN, ~LEFT_UNTAKEN)},
)
"""Taken by their deadline by anybody, of those not uninstalled before."""


@dataclass(frozen=True)
class Sought:
    """Installs by the time from install to `ended`, the `limit` longest."""

    ended: InstrumentedAttribute[Any]
    chosen: ColumnElement[bool]
    limit: int = 1


def missed_syncs(window: Window) -> Sought:
    """The install without data at its deadline that took or waits longest."""
    return Sought(Install.first_synced_at, and_(window.holds(Install.success_deadline), MISSED_SYNC))


def late_pick_ups(window: Window, *, limit: int) -> Sought:
    """Installs that nobody had taken at their deadline, the longest first."""
    return Sought(Install.first_claimed_at, and_(window.holds(Install.pickup_deadline), MISSED_PICK_UP), limit)


def longest(session: Session, window: Window, sought: Mapping[str, Sought]) -> dict[str, tuple[Worst, ...]]:
    """Of each what is sought, longest first, in one question; what has not ended counts to the window's end."""
    found: dict[str, tuple[Worst, ...]] = dict.fromkeys(sought, ())
    if not sought:
        return found
    few = union_all(*(_longest(name, each, window) for name, each in sought.items())).subquery()
    query = select(few.c.sought, few.c.shop_id, ShopSync.shop_domain, NAME, few.c.seconds)
    query = query.join(ShopSync, ShopSync.shop_id == few.c.shop_id)
    query = query.outerjoin(ShopProfile, ShopProfile.shop_id == few.c.shop_id)
    for key, shop_id, domain, name, took in session.execute(query.order_by(few.c.seconds.desc(), few.c.shop_id)):
        found[key] += (Worst(shop_id, domain, name, float(took)),)
    return found


def _longest(name: str, sought: Sought, window: Window) -> Select[Any]:
    until = func.coalesce(sought.ended, moment(window.end))
    seconds = seconds_between(Install.installed_at, until).label("seconds")
    query = select(literal(name).label("sought"), Install.shop_id, seconds).where(sought.chosen)
    return select(query.order_by(seconds.desc(), Install.shop_id).limit(sought.limit).subquery())
