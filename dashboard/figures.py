"""The figures and charts of Overview, shared by all viewers of this process: a window is looked at once for all.

What took too long is kept as long as what did not: else each viewer would wait for it again.
Errors of all that read: TooSlow, database errors; `shell.panel` says them where the panel stands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard import cards, data
from dashboard.cards import Card, dots, lines, shared
from dashboard.look import Look, look
from dashboard.moments import zone_of
from sync_core import health
from sync_core.errors import TooSlow

shared_by_all = st.cache_resource(
    ttl=data.FIGURES_SECONDS, max_entries=64, show_spinner=False, refresh_mode="background"
)


@dataclass(frozen=True)
class Shown:
    """A window as it is shown: the objectives (errors: TooSlow), and the cards below them in their order."""

    found: Look
    cards: tuple[Card, ...]

    @property
    def objectives(self) -> health.Objectives:
        return self.found.objectives


@st.cache_resource(show_spinner=False)
def _closed_hours() -> health.Memory:
    """What this process remembers of hours that are over; they never change."""
    return {}


def default_window() -> timedelta:
    """The shortest window that holds enough installs to judge, else 90 days."""
    found = _default_window()
    if isinstance(found, TooSlow):
        raise TooSlow(str(found))
    return found


@shared_by_all
def _default_window() -> timedelta | TooSlow:
    try:
        with data.reading() as (session, now):
            return health.window(session, now=now)
    except TooSlow as slow:
        return slow


@shared_by_all
def shown(window: timedelta, zone_name: str) -> Shown:
    """The window that ends now, drawn for all viewers of a zone."""
    zone, settings = zone_of(zone_name), data.desk().settings
    found = look(data.reading, window=window, zone=zone, settings=settings, memory=_closed_hours())
    return Shown(found, tuple(_card(name, found, zone) for name in CARDS))


def _card(name: str, found: Look, zone: ZoneInfo) -> Card:
    """One that cannot be drawn says so, and so does one whose data took too long."""
    try:
        return cards.drawn(name, lambda: CARDS[name](found, zone))
    except TooSlow as slow:
        return cards.too_slow(name, str(slow))


def _failures(found: Look, _zone: ZoneInfo) -> Card:
    return shared.failures(found.failures)


def _time_to_sync(found: Look, zone: ZoneInfo) -> Card:
    if found.few:
        return dots.time_to_sync(found.installs, zone)
    return lines.time_to_sync(found.objectives.time_to_sync, found.points, zone)


def _by_path(found: Look, _zone: ZoneInfo) -> Card:
    if found.few:
        return dots.by_path(found.installs, found.browser)
    return lines.by_path(found.objectives.time_to_sync, found.browser)


def _pick_up(found: Look, zone: ZoneInfo) -> Card:
    if found.few:
        return dots.pick_up(found.pickups, zone)
    return lines.pick_up(found.objectives.pick_up.all, found.points, zone)


def _success(found: Look, zone: ZoneInfo) -> Card:
    if found.few:
        return dots.success(found.installs, found.objectives, zone)
    return lines.success(found.objectives, found.points, zone)


def _budget(found: Look, zone: ZoneInfo) -> Card:
    shown = found.objectives
    return shared.budget(found.losses, shown.sync_success.all.budget, until=shown.until, zone=zone)


CARDS: dict[str, Callable[[Look, ZoneInfo], Card]] = {
    "failures": _failures,
    "time": _time_to_sync,
    "paths": _by_path,
    "pick_up": _pick_up,
    "success": _success,
    "budget": _budget,
}
"""What stands under the fold, in the order of the screen."""
