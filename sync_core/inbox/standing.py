"""How the inbox stands: how many messages wait, since when, and how many were set aside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from sync_core.inbox.case import SET_ASIDE
from sync_core.models import WebhookInbox

MOST = 1_000
"""Counted so far, no further."""


@dataclass(frozen=True)
class Standing:
    """`since`: when the oldest waiting message came; None when none waits."""

    waiting: int
    since: datetime | None
    set_aside: int


def standing(session: Session) -> Standing:
    """Source: webhook_inbox, by its two partial indexes."""
    waiting = WebhookInbox.handled_at.is_(None)
    since = session.execute(select(func.min(WebhookInbox.received_at)).where(waiting)).scalar_one()
    aside = select(WebhookInbox.webhook_id).where(WebhookInbox.result.like(f"{SET_ASIDE}%"))
    return Standing(_count(session, select(WebhookInbox.webhook_id).where(waiting)), since, _count(session, aside))


def _count(session: Session, query: Select[str]) -> int:
    return session.execute(select(func.count()).select_from(query.limit(MOST).subquery())).scalar_one()
