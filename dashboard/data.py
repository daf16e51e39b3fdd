"""What the pages share: every viewer of this process sees one snapshot, one list, one shop (figures: `figures`).

Nothing that is returned here may be changed by who asked for it. A page asks; sync_core.health answers.
Errors of all that read: TooSlow, database errors; `shell.panel` says them where the panel stands.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import perf_counter

import pandas as pd
import streamlit as st
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from dashboard.api import app as api
from dashboard.api.desk import Desk, Door
from dashboard.cards import Card, shared
from dashboard.moments import zone_of
from sync_core import doctor, health
from sync_core.alerts import lists
from sync_core.errors import TooSlow
from sync_core.explain import span

SNAPSHOT_SECONDS = 3
SHOP_SECONDS = 1
FIGURES_SECONDS = 30
"""After this age figures are made again while the viewer sees those at hand; nobody sees any of twice this age."""

STRIP = timedelta(hours=24)
PANEL_SECONDS = 5.0
"""So long a part of a page waits for the database; then it says so, and the others stand."""


@dataclass(frozen=True)
class Glance:
    """The fleet at a moment. `lost_at`: since when it cannot be read (the fleet is then of before).

    `lost_why`: the driver's word for it; empty when the database answers, but too slowly.
    """

    fleet: health.Fleet | None
    database_ms: float
    lost_at: datetime | None = None
    lost_why: str = ""

    @property
    def live(self) -> bool:
        return self.lost_at is None

    @property
    def answers(self) -> bool:
        """Whether something may be written."""
        return self.live or not self.lost_why


class Last:
    """The last good snapshot of this process, for the time when there is no newer one."""

    def __init__(self) -> None:
        self.glance = Glance(None, 0.0)


def desk() -> Desk:
    """Settings, database and vault of this process, the same that its API uses. Errors: BadSetting."""
    door: Door = api.state.door
    return door.desk()


def reading() -> AbstractContextManager[tuple[Session, datetime]]:
    """A transaction of a part of a page, and its moment. Errors: TooSlow, database errors."""
    return desk().database.look(patience=PANEL_SECONDS)


@st.cache_resource(show_spinner=False)
def _last() -> Last:
    return Last()


@st.cache_resource(ttl=SNAPSHOT_SECONDS, show_spinner=False)
def glance() -> Glance:
    """The fleet now; when the database does not answer, the last one with since when and why. Never raises for that."""
    last = _last()
    try:
        answer_ms, fleet = _answer_ms(), _fleet()
    except (SQLAlchemyError, TooSlow) as error:
        lost_at = last.glance.lost_at or desk().clock()
        last.glance = replace(last.glance, lost_at=lost_at, lost_why=_reason(error))
    else:
        last.glance = Glance(fleet, answer_ms)
    return last.glance


def _answer_ms() -> float:
    """How long the database takes to answer, once there is a connection."""
    with desk().database.read() as session:
        session.connection()
        began = perf_counter()
        session.execute(select(1))
        return 1000 * (perf_counter() - began)


def _fleet() -> health.Fleet:
    with reading() as (session, now):
        return health.fleet(session, now=now, settings=desk().settings)


def _reason(error: SQLAlchemyError | TooSlow) -> str:
    """The kind of failure only: a driver's text may hold host, user or statement."""
    if isinstance(error, TooSlow):
        return ""
    original = getattr(error, "orig", None)
    return type(original or error).__name__


def look_again() -> None:
    """Let the next look be fresh: called after each act, so that its effect is seen at once."""
    for seen in (glance, late_starts, shop, search, sweeps, slots, strip, alerts, alert):
        seen.clear()


@st.cache_resource(ttl=FIGURES_SECONDS, max_entries=32, show_spinner=False, refresh_mode="background")
def strip(zone_name: str) -> Card:
    """The checks of the last 24 h as marks."""
    period = f"every {span(desk().settings.sweep_period_seconds)}"
    return shared.checks(slots(), zone_of(zone_name), period=period)


@st.cache_resource(ttl=FIGURES_SECONDS, show_spinner=False, refresh_mode="background")
def slots() -> pd.DataFrame:
    """The checks of the last 24 h, as health.slots gives them."""
    with reading() as (session, now):
        return health.slots(session, since=now - STRIP, until=now, now=now, settings=desk().settings)


@st.cache_resource(ttl=SNAPSHOT_SECONDS, max_entries=200, show_spinner=False)
def sweeps(before: str | None) -> health.TickPage:
    """One page of the checks that ran, newest first."""
    with reading() as (session, _now):
        return health.sweeps(session, before=before)


@st.cache_resource(ttl=SNAPSHOT_SECONDS, show_spinner=False)
def processes() -> list[health.Process]:
    """The processes and their signs of life."""
    with reading() as (session, now):
        return health.heartbeats(session, now=now)


@st.cache_resource(ttl=FIGURES_SECONDS, show_spinner=False, refresh_mode="background")
def capacity() -> health.Capacity:
    """What shops that never succeed take of the workers' time."""
    with reading() as (session, now):
        return health.capacity(session, now=now)


@st.cache_resource(ttl=FIGURES_SECONDS, show_spinner=False, refresh_mode="background")
def accuracy() -> health.Accuracy:
    """How good the estimated starts were."""
    with reading() as (session, now):
        return health.accuracy(session, now=now)


@st.cache_resource(ttl=SNAPSHOT_SECONDS, show_spinner=False)
def late_starts() -> health.LateStarts:
    """The new shops that will have waited too long when they are started."""
    with reading() as (session, now):
        return health.late_starts(session, now=now, settings=desk().settings)


@st.cache_resource(ttl=SNAPSHOT_SECONDS, show_spinner=False)
def alerts() -> lists.Alerts:
    """The open alerts and the recent ones."""
    with reading() as (session, now):
        return lists.alerts(session, now=now)


@st.cache_resource(ttl=SNAPSHOT_SECONDS, max_entries=50, show_spinner=False)
def alert(alert_id: str) -> lists.Seen | None:
    """One alert; None: no such alert."""
    with reading() as (session, now):
        return lists.alert(session, alert_id, now=now)


@st.cache_resource(ttl=FIGURES_SECONDS, show_spinner=False, refresh_mode="background")
def checked() -> list[doctor.Check]:
    """Every check of `shopsync doctor`; it asks Shopify, too, so it is kept for a while."""
    return list(doctor.examine(desk().database, desk().settings, http=desk().http))


@dataclass(frozen=True)
class Question:
    """What the Shops page asks for; all of it stands in the address."""

    text: str = ""
    status: str | None = None
    cause: str | None = None
    path: str | None = None
    overdue: bool = False
    attention: bool = False
    entered: health.Entered | None = None
    sort: health.Sort = health.Sort.DOMAIN


@st.cache_resource(ttl=SNAPSHOT_SECONDS, max_entries=200, show_spinner=False)
def search(question: Question, after: str | None, limit: int) -> health.ShopPage:
    """One page of shops. Errors: BadInput when `after` is not a place in this list."""
    asked = question.__dict__
    with reading() as (session, now):
        return health.search(session, now=now, after=after, limit=limit, **asked)


@st.cache_resource(ttl=SHOP_SECONDS, max_entries=500, show_spinner=False)
def shop(domain: str) -> health.ShopView | None:
    """One shop as it stands; None: no such shop."""
    with reading() as (session, now):
        return health.shop(session, domain=domain, now=now, settings=desk().settings)
