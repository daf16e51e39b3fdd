"""bulk_operations/finish: whoever waits for an operation of this shop looks at once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from sync_core.inbox.case import Case
from sync_core.models import WebhookInbox

TOPIC = "bulk_operations/finish"


def finish_told(session: Session, shop_domain: str, *, since: datetime) -> bool:
    """Whether such a message of this shop came since then; which operation it names does not matter."""
    mine = (WebhookInbox.shop_domain == shop_domain) & (WebhookInbox.topic == TOPIC)
    return session.execute(select(exists().where(mine, WebhookInbox.received_at >= since))).scalar_one()


def finished(_case: Case) -> str:
    """Nothing is left to do: a run that waits has seen the message, and no other run needs it."""
    return "read by the run that waits for it"
