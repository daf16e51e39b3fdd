"""Installs, their starts and their failures as frames for the charts."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
from sqlalchemy.orm import Session


def installs(session: Session, *, since: datetime, until: datetime, now: datetime) -> pd.DataFrame:
    """Every watched install of a window.

    Shape: one row per install in [since, until), oldest first, the 20,000 newest; empty keeps the columns.
    Columns: installed_at UTC · shop_id str · domain str · name str · seconds float, NaN while not synced ·
    waited float, seconds so far of those not synced, else NaN · path str or None (a key of explain.PATHS) ·
    ok bool, synced within its deadline · judged bool, the deadline has passed · withdrawn bool, uninstalled unsynced.
    Source: install. Errors: database errors pass through.
    """
    raise NotImplementedError


def pickups(session: Session, *, since: datetime, until: datetime) -> pd.DataFrame:
    """How long each install waited until a worker took it.

    Shape: one row per watched install whose pick-up deadline lies in [since, until), oldest first, the 20,000 newest.
    Columns: deadline UTC · shop_id str · domain str · name str · path str or None · installed_at UTC ·
    picked_up_at UTC, NaT when never · waited float, seconds, NaN when never · late bool, not taken by its deadline.
    Source: install.installed_at, install.first_claimed_at. Errors: database errors pass through.
    """
    raise NotImplementedError


def failures(session: Session, *, since: datetime, until: datetime) -> pd.DataFrame:
    """Failed tries of a window by cause.

    Shape: one row per error class, most failures first; empty keeps the columns.
    Columns: error_class str · cause str, the screen's words · failed int · healed int, the shop was synced or
    went on since · open int, the shop still fails since then.
    Source: sync_attempt by ended_at, shop_sync. Errors: database errors pass through.
    """
    raise NotImplementedError
