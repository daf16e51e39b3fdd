"""Installs, their starts and their failures as frames for the charts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from sqlalchemy import Row, Select, and_, select
from sqlalchemy.orm import Session

from sync_core import slo
from sync_core.explain import cause_words
from sync_core.health.cohort import path_of
from sync_core.health.conditions import NAME
from sync_core.health.episodes import LEFT_UNTAKEN, MISSED_SYNC
from sync_core.health.failures import by_class, still_failing
from sync_core.health.hours import Books, Memory, Window, books
from sync_core.models import Install, ShopProfile, ShopSync

NEWEST = 1_000
"""Rows of a frame: single installs are shown where they are few, and figures never rest on these."""
MOMENTS = ["installed_at", "picked_up_at", "deadline"]


def installs(session: Session, *, since: datetime, until: datetime, now: datetime) -> pd.DataFrame:
    """Every watched install of a window.

    Shape: one row per install in [since, until), oldest first, the 1,000 newest; empty keeps the columns.
    Columns: installed_at UTC · shop_id str · domain str · name str · seconds float, NaN while not synced ·
    waited float, seconds so far of those not synced, else NaN · path str or None (a key of explain.PATHS) ·
    ok bool, synced within its deadline · judged bool, the deadline has passed · withdrawn bool, uninstalled unsynced.
    Source: install. Errors: database errors pass through.
    """
    chosen = and_(Install.watched, Install.installed_at >= since, Install.installed_at < min(until, now))
    newest = _with_names().where(chosen).order_by(Install.installed_at.desc(), Install.id.desc()).limit(NEWEST)
    rows = [_install(row, now) for row in session.execute(newest)]
    return _frame(rows, "installed_at shop_id domain name seconds waited path ok judged withdrawn")


def pickups(session: Session, *, since: datetime, until: datetime) -> pd.DataFrame:
    """How long each install waited until a worker took it.

    Shape: one row per watched install whose pick-up deadline lies in [since, until), oldest first, the 1,000 newest.
    Columns: deadline UTC · shop_id str · domain str · name str · path str or None · installed_at UTC ·
    picked_up_at UTC, NaT when never · waited float, seconds, NaN when never · late bool, not taken by its deadline.
    Source: install.installed_at, install.first_claimed_at. Errors: database errors pass through.
    """
    chosen = and_(Install.watched, Install.pickup_deadline >= since, Install.pickup_deadline < until, ~LEFT_UNTAKEN)
    newest = _with_names().where(chosen).order_by(Install.pickup_deadline.desc(), Install.id.desc()).limit(NEWEST)
    rows = [_pickup(row) for row in session.execute(newest)]
    return _frame(rows, "deadline shop_id domain name path installed_at picked_up_at waited late")


def losses(session: Session, *, since: datetime, until: datetime) -> pd.DataFrame:
    """The installs without data at their deadline.

    Shape: one row per watched install whose deadline lies in [since, until), oldest first, the 1,000 newest.
    Columns: deadline UTC · shop_id str · domain str · name str · n int, always 1.
    Source: install.success_deadline, install.first_synced_at. Errors: database errors pass through.
    """
    chosen = and_(Window(since, until).holds(Install.success_deadline), MISSED_SYNC)
    newest = _with_names().where(chosen).order_by(Install.success_deadline.desc(), Install.id.desc()).limit(NEWEST)
    rows = [_loss(row) for row in session.execute(newest)]
    return _frame(rows, "deadline shop_id domain name n")


def window(session: Session, *, now: datetime) -> timedelta:
    """The shortest of 24 h, 7 d, 30 d, 90 d with enough installs to judge, else 90 d. Source: install."""
    newest = select(Install.installed_at).where(Install.watched, Install.installed_at < now)
    found = session.execute(newest.order_by(Install.installed_at.desc()).limit(slo.ENOUGH_INSTALLS)).scalars()
    return slo.window(now - installed_at for installed_at in found)


def failures(
    session: Session | Books, *, since: datetime, until: datetime, memory: Memory | None = None
) -> pd.DataFrame:
    """Failed tries of a window by cause.

    Shape: one row per error class, most failures first; empty keeps the columns.
    Columns: error_class str · cause str, the screen's words · failed int · healed int, the shop was synced or
    went on since · open int, the shop still fails since then (uninstalled since: in neither).
    Source: roll-ups, sync_attempt by ended_at, shop_sync. Errors: database errors pass through.
    """
    window, kept = Window(since, until), books(session, memory)
    failed, (here, left) = by_class(kept, window), still_failing(kept.session, window)
    rows = [
        _failure(name, failed=n, healed=n - here[name] - left[name], still=here[name]) for name, n in failed.items()
    ]
    rows.sort(key=lambda row: (-row["failed"], row["error_class"]))
    return _frame(rows[::-1], "error_class cause failed healed open")


def _with_names() -> Select[Any]:
    """Plain columns: entities of 20,000 rows took twice as long."""
    query = select(*Install.__table__.c, ShopSync.shop_domain, NAME.label("name"))
    query = query.join(ShopSync, ShopSync.shop_id == Install.shop_id)
    return query.outerjoin(ShopProfile, ShopProfile.shop_id == Install.shop_id)


def _install(install: Row[Any], now: datetime) -> dict[str, Any]:
    synced, gone = install.first_synced_at, install.withdrawn_at
    waited = None if synced else _seconds((gone or now) - install.installed_at)
    return {
        "installed_at": install.installed_at,
        "shop_id": install.shop_id,
        "domain": install.shop_domain,
        "name": install.name,
        "seconds": _seconds(synced - install.installed_at) if synced else None,
        "waited": waited,
        "path": path_of(install.path, finished=synced is not None),
        "ok": synced is not None and synced <= install.success_deadline,
        "judged": install.success_deadline < now,
        "withdrawn": synced is None and gone is not None,
    }


def _pickup(install: Row[Any]) -> dict[str, Any]:
    taken = install.first_claimed_at
    return {
        "deadline": install.pickup_deadline,
        "shop_id": install.shop_id,
        "domain": install.shop_domain,
        "name": install.name,
        "path": path_of(install.path),
        "installed_at": install.installed_at,
        "picked_up_at": taken,
        "waited": _seconds(taken - install.installed_at) if taken else None,
        "late": (taken is None or taken > install.pickup_deadline) and not _had_data_by(install),
    }


def _loss(install: Row[Any]) -> dict[str, Any]:
    shop = {"shop_id": install.shop_id, "domain": install.shop_domain, "name": install.name}
    return {"deadline": install.success_deadline, **shop, "n": 1}


def _had_data_by(install: Row[Any]) -> bool:
    """The app's own sync of a shop that we adopted is a start, too."""
    return install.first_synced_at is not None and install.first_synced_at <= install.pickup_deadline


def _failure(error: str, *, failed: int, healed: int, still: int) -> dict[str, Any]:
    return {"error_class": error, "cause": cause_words(error), "failed": failed, "healed": healed, "open": still}


def _seconds(span: timedelta) -> float:
    return span.total_seconds()


def _frame(newest_first: list[dict[str, Any]], columns: str) -> pd.DataFrame:
    """Rows in the other order, with every column of its own type even when empty."""
    frame = pd.DataFrame(newest_first[::-1], columns=columns.split(), dtype=object)
    for name in frame.columns.intersection(MOMENTS):
        frame[name] = pd.to_datetime(frame[name], utc=True)
    for name in frame.columns.intersection(["seconds", "waited"]):
        frame[name] = frame[name].astype(float)
    for name in frame.columns.intersection(["ok", "judged", "withdrawn", "late"]):
        frame[name] = frame[name].astype(bool)
    for name in frame.columns.intersection(["failed", "healed", "open", "n"]):
        frame[name] = frame[name].astype(int)
    return frame
