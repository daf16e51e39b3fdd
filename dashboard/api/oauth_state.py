"""One-time states of the authorise page: bound to a shop, ten minutes long, kept only as a digest."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from enum import Enum

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException

from sync_core.models import OAuthState

STATE_BYTES = 32
STATE_LIFETIME = timedelta(minutes=10)
MOST_LIVE_STATES = 10_000


class Standing(Enum):
    """What a state that comes back is worth."""

    FRESH = "fresh"
    USED = "used"
    REFUSED = "refused"


def open_state(session: Session, domain: str, *, now: datetime) -> str:
    """A fresh state for this shop; the database keeps its digest. Errors: 429 above MOST_LIVE_STATES."""
    session.execute(delete(OAuthState).where(OAuthState.expires_at <= now))
    live = select(OAuthState.state).where(OAuthState.used_at.is_(None)).limit(MOST_LIVE_STATES).subquery()
    if session.execute(select(func.count()).select_from(live)).scalar_one() >= MOST_LIVE_STATES:
        raise HTTPException(429, "Too many installs are under way; try again in a minute", {"Retry-After": "60"})
    state = secrets.token_hex(STATE_BYTES)
    session.add(OAuthState(state=_digest(state), shop_domain=domain, created_at=now, expires_at=now + STATE_LIFETIME))
    return state


def judge(session: Session, state: str, domain: str, *, now: datetime) -> Standing:
    """Whether this state is fresh, was used by the same shop a moment ago, or is worth nothing."""
    kept = session.get(OAuthState, _digest(state), populate_existing=True)
    if kept is None or kept.shop_domain != domain or kept.expires_at <= now:
        return Standing.REFUSED
    return Standing.FRESH if kept.used_at is None else Standing.USED


def use(session: Session, state: str, *, now: datetime) -> None:
    """Use a state up. It is remembered for another STATE_LIFETIME, for a browser that repeats the callback."""
    session.execute(
        update(OAuthState)
        .where(OAuthState.state == _digest(state))
        .values(used_at=now, expires_at=now + STATE_LIFETIME)
    )


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode(errors="replace")).hexdigest()
