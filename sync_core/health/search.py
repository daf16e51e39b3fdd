"""Finding shops among a million: by name, domain, e-mail, id, error text, or a pasted address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from sync_core.states import Hold, Status


class Sort(StrEnum):
    """Order of the Shops page; each is stable (the shop's id breaks ties)."""

    DOMAIN = "domain"
    WAITING = "waiting"
    NEWEST = "newest"
    OLDEST_DATA = "oldest data"


@dataclass(frozen=True)
class ShopRow:
    """One row of the Shops page."""

    shop_id: str
    domain: str
    name: str
    primary_domain: str | None
    plan: str | None
    status: Status
    hold: Hold | None
    cause: str | None
    """Key of explain.CAUSES, or None while nothing is wrong."""
    attention: bool
    overdue: bool
    failures: int
    since: datetime
    failing_since: datetime | None
    due_at: datetime | None
    installed_at: datetime
    first_synced_at: datetime | None
    last_synced_at: datetime | None
    generation: int
    error_class: str | None
    error_message: str | None


@dataclass(frozen=True)
class ShopPage:
    """`total` stops at CAP; `capped`: there are more. `next_after` None: the last page."""

    rows: tuple[ShopRow, ...]
    next_after: str | None
    total: int
    capped: bool


def search(
    session: Session,
    *,
    now: datetime,
    text: str = "",
    status: Status | None = None,
    cause: str | None = None,
    path: str | None = None,
    overdue: bool = False,
    attention: bool = False,
    sort: Sort = Sort.DOMAIN,
    after: str | None = None,
    limit: int = 50,
) -> ShopPage:
    """One page of the shops that match everything asked.

    `text` is matched against name, both domains, e-mail, id and error text; an address pasted from the admin or the
    storefront is understood. `after` is the `next_after` of the page before, of the same question.
    Errors: BadInput when `after` is not one of ours; database errors pass through.
    """
    raise NotImplementedError
