"""The figures and charts of Overview, shared by all viewers of this process: one panel, one question, one cache.

What took too long is kept as long as what did not: else each viewer would wait for it again, panel by panel.
Errors of all that read: TooSlow, database errors; `shell.panel` says them where the panel stands.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pandas as pd
import streamlit as st
from sqlalchemy.orm import Session

from dashboard import cards, data
from dashboard.cards import Card, dots, lines, shared
from dashboard.moments import zone_of
from sync_core import health
from sync_core.errors import TooSlow
from sync_core.health import Step

Found = TypeVar("Found")

FEW = 200
"""Under so many installs in a window each is a dot: a rate of so few would draw noise."""
DAY, QUARTER = timedelta(hours=24), timedelta(days=90)

shared_by_all = st.cache_resource(
    ttl=data.FIGURES_SECONDS, max_entries=64, show_spinner=False, refresh_mode="background"
)


@st.cache_resource(show_spinner=False)
def _closed_hours() -> health.Memory:
    """What this process remembers of hours that are over; they never change."""
    return {}


def _asked(ask: Callable[[Session, datetime], Found]) -> Found | TooSlow:
    try:
        with data.reading() as (session, now):
            return ask(session, now)
    except TooSlow as slow:
        return slow


def _had(found: Found | TooSlow) -> Found:
    if isinstance(found, TooSlow):
        raise TooSlow(str(found))
    return found


def default_window() -> timedelta:
    """The shortest window that holds enough installs to judge, else 90 days."""
    return _had(_default_window())


def objectives(window: timedelta) -> health.Objectives:
    """The objectives and the ledger of the window that ends now."""
    return _had(_objectives(window))


@shared_by_all
def _default_window() -> timedelta | TooSlow:
    return _asked(lambda session, now: health.window(session, now=now))


@shared_by_all
def _objectives(window: timedelta) -> health.Objectives | TooSlow:
    settings = data.desk().settings
    return _asked(
        lambda session, now: health.objectives(
            session, since=now - window, until=now, now=now, settings=settings, memory=_closed_hours()
        )
    )


@shared_by_all
def _points(window: timedelta, zone_name: str) -> tuple[health.Point, ...] | TooSlow:
    step, settings = Step.HOUR if window <= DAY else Step.DAY, data.desk().settings
    own: dict[str, Any] = {"settings": settings, "step": step, "zone": zone_of(zone_name), "memory": _closed_hours()}
    return _asked(lambda session, now: health.series(session, since=now - window, until=now, now=now, **own))


@shared_by_all
def _installs(window: timedelta) -> pd.DataFrame | TooSlow:
    return _asked(lambda session, now: health.installs(session, since=now - window, until=now, now=now))


@shared_by_all
def _browser_path() -> health.BrowserPath | TooSlow:
    return _asked(lambda session, now: health.browser_path(session, now=now, memory=_closed_hours()))


@shared_by_all
def card(name: str, window: timedelta, zone_name: str) -> Card:
    """One card of CARDS, drawn once for all viewers of a zone; one whose data took too long says so."""
    try:
        return cards.drawn(name, lambda: CARDS[name](window, zone_name))
    except TooSlow as slow:
        return cards.too_slow(name, str(slow))


def _few(window: timedelta) -> bool:
    return objectives(window).ledger.installs < FEW


def _failures(window: timedelta, _zone_name: str) -> Card:
    memory = _closed_hours()
    frame = _asked(lambda session, now: health.failures(session, since=now - window, until=now, memory=memory))
    return shared.failures(_had(frame))


def _time_to_sync(window: timedelta, zone_name: str) -> Card:
    zone = zone_of(zone_name)
    if _few(window):
        return dots.time_to_sync(_had(_installs(window)), zone)
    return lines.time_to_sync(objectives(window).time_to_sync, _had(_points(window, zone_name)), zone)


def _by_path(window: timedelta, _zone_name: str) -> Card:
    browser = _had(_browser_path())
    if _few(window):
        return dots.by_path(_had(_installs(window)), browser)
    return lines.by_path(objectives(window).time_to_sync, browser)


def _pick_up(window: timedelta, zone_name: str) -> Card:
    zone = zone_of(zone_name)
    if _few(window):
        frame = _asked(lambda session, now: health.pickups(session, since=now - window, until=now))
        return dots.pick_up(_had(frame), zone)
    return lines.pick_up(objectives(window).pick_up.all, _had(_points(window, zone_name)), zone)


def _success(window: timedelta, zone_name: str) -> Card:
    zone = zone_of(zone_name)
    if _few(window):
        return dots.success(_had(_installs(window)), objectives(window), zone)
    return lines.success(objectives(window), _had(_points(window, zone_name)), zone)


def _budget(window: timedelta, zone_name: str) -> Card:
    shown, zone = objectives(window), zone_of(zone_name)
    spending = shown.sync_success.all.budget
    if spending is not None and spending.spent >= FEW:
        losses = shared.by_day(_had(_points(QUARTER, zone_name)))
    else:
        losses = _had(_asked(lambda session, now: health.losses(session, since=now - QUARTER, until=now)))
    return shared.budget(losses, spending, until=shown.until, zone=zone)


CARDS: dict[str, Callable[[timedelta, str], Card]] = {
    "failures": _failures,
    "time": _time_to_sync,
    "paths": _by_path,
    "pick_up": _pick_up,
    "success": _success,
    "budget": _budget,
}
"""What stands under the fold, in the order of the screen."""
