"""Finding shops among a million: by name, domain, e-mail, id, error text, or a pasted address."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, func, literal, literal_column, or_, select, tuple_, union
from sqlalchemy.orm import Session

from sync_core.db import is_postgres
from sync_core.explain.words import ATTENTION, OVERDUE
from sync_core.health.cohort import PATH_OF
from sync_core.health.conditions import (
    CAP,
    FAILING,
    TROUBLED,
    capped_count,
    is_overdue,
    needs_attention,
    overdue_now,
)
from sync_core.health.hours import Window
from sync_core.health.ledger import in_class
from sync_core.health.meaning import meaning
from sync_core.health.shop_order import ORDERS, Sort, place_of
from sync_core.models import Install, ShopProfile, ShopSearch, ShopSync
from sync_core.states import Hold, Status

TRIGRAM = 3
BETWEEN_WORDS = "\n -.@"


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
class Entered:
    """Shops with an install of [since, until) in one class of the ledger."""

    name: str
    since: datetime
    until: datetime


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
    entered: Entered | None = None,
    sort: Sort = Sort.DOMAIN,
    after: str | None = None,
    limit: int = 50,
) -> ShopPage:
    """One page of the shops that match everything asked.

    `text` is matched against name, both domains, e-mail, id and error text; an address pasted from the admin or the
    storefront is understood. `after` is the `next_after` of the page before, of the same question.
    Errors: BadInput when `after` is not one of ours; database errors pass through.
    """
    found = _means(session, text) if text.strip() else Found()
    asked = [*found.conditions, *_filters(session, now, status, cause, path, overdue=overdue, attention=attention)]
    if entered:
        asked.append(in_class(entered.name, Window(entered.since, entered.until), now=now))
    page = ORDERS[sort].page(asked, after, limit + 1)
    query = select(ShopSync, ShopProfile, page.c.key).join(page, page.c.shop_id == ShopSync.shop_id)
    query = query.outerjoin(ShopProfile, ShopProfile.shop_id == ShopSync.shop_id)
    read = session.execute(query.order_by(*ORDERS[sort].columns(page))).all()
    rows = tuple(_row(shop, profile, now) for shop, profile, _ in read[:limit])
    place = place_of(read[limit - 1][2], rows[-1].shop_id) if len(read) > limit else None
    total = len(rows) if after is None and place is None else _total(session, asked, found)
    return ShopPage(rows, place, min(total, CAP), capped=total > CAP)


@dataclass(frozen=True)
class Found:
    """What a text means, as conditions; `many`: more shops than are counted."""

    conditions: tuple[ColumnElement[bool], ...] = ()
    many: bool = False


def _total(session: Session, asked: list[ColumnElement[bool]], found: Found) -> int:
    return CAP + 1 if found.many and len(asked) == 1 else capped_count(session, *asked)


def _means(session: Session, text: str) -> Found:
    """The shops that a text means: an address from the admin or a storefront, else any part of what is known.

    A text that more than CAP shops are named by is looked for in no error text: asked together, PostgreSQL reads
    every shop there is; asked apart, it reads those that are found, or those on the way to a full page.
    """
    wanted = meaning(text)
    if wanted.domain:
        return Found((ShopSync.shop_domain == wanted.domain,))
    if wanted.host:
        return Found((ShopSync.shop_id.in_(_at_host(wanted.host)),))
    named = select(ShopSearch.shop_id).where(_names(wanted.text))
    some = select(literal(1)).select_from(named.limit(CAP + 1).subquery())
    if session.execute(select(func.count()).select_from(some.subquery())).scalar_one() > CAP:
        return Found((ShopSync.shop_id.in_(named),), many=True)
    error = and_(FAILING, func.lower(ShopSync.error_message).contains(wanted.text, autoescape=True))
    failing = select(ShopSync.shop_id).where(error)
    this = select(ShopSync.shop_id).where(ShopSync.shop_id == text.strip())
    return Found((ShopSync.shop_id.in_(union(named, failing, this).scalar_subquery()),))


def _names(text: str) -> ColumnElement[bool]:
    """The texts with this in them; one or two letters begin a word, for no trigram serves less."""
    anywhere = ShopSearch.text.contains(text, autoescape=True)
    if len(text) >= TRIGRAM:
        return anywhere
    inside = (ShopSearch.text.contains(between + text, autoescape=True) for between in BETWEEN_WORDS)
    begins = or_(ShopSearch.text.startswith(text, autoescape=True), *inside)
    return and_(anywhere, begins)  # said first, so that an engine without trigrams reads most texts once


def _at_host(host: str) -> Select[str]:
    """The shops with this storefront; found by the text first, which has an index."""
    exact = func.lower(ShopProfile.primary_domain).in_([host, f"www.{host}"])
    query = select(ShopProfile.shop_id).join(ShopSearch, ShopSearch.shop_id == ShopProfile.shop_id)
    return query.where(ShopSearch.text.contains(host, autoescape=True), exact)


def _filters(
    session: Session,
    now: datetime,
    status: Status | None,
    cause: str | None,
    path: str | None,
    *,
    overdue: bool,
    attention: bool,
) -> list[ColumnElement[bool]]:
    asked: list[ColumnElement[bool]] = []
    if status:
        asked.append(ShopSync.status == str(status))
    if cause:
        asked.append(_caused_by(cause, now))
    if path:
        asked.append(_started_by(session, path))
    if overdue:
        asked.append(is_overdue(now))
    if attention:
        asked.append(and_(TROUBLED, ShopSync.attention))
    return asked


def _caused_by(cause: str, now: datetime) -> ColumnElement[bool]:
    """The shops that a cause key counts: a hold, one of our own keys, or the class of the last failure."""
    if cause == OVERDUE:
        return is_overdue(now)
    if cause == ATTENTION:
        return needs_attention(now)
    if cause in set(Hold):
        return and_(TROUBLED, ShopSync.hold == cause)
    return and_(TROUBLED, ShopSync.hold.is_(None), ShopSync.error_class == cause)


def _quoted(words: Iterable[str]) -> list[ColumnElement[str]]:
    return [literal_column(f"'{word}'") for word in words]


RARELY_STARTED = Install.path.in_(_quoted(["sweep", "manual", "api", "cli"]))
"""The condition of ix_install_path, in its own words: SQLite needs them, PostgreSQL takes them for a filter more."""


def _started_by(session: Session, path: str) -> ColumnElement[bool]:
    named = Install.path.in_(_quoted(trigger for trigger, its in PATH_OF.items() if its == path))
    others = Install.path.not_in(list(PATH_OF))
    rare = [RARELY_STARTED] if path in ("sweep", "manual") and not is_postgres(session) else []
    started = select(Install.shop_id, Install.generation).where(others if path == "wake" else named, *rare)
    return tuple_(ShopSync.shop_id, ShopSync.generation).in_(started)


def _row(shop: ShopSync, profile: ShopProfile | None, now: datetime) -> ShopRow:
    return ShopRow(
        shop_id=shop.shop_id,
        domain=shop.shop_domain,
        name=profile.name if profile else shop.shop_domain,
        primary_domain=profile.primary_domain if profile else None,
        plan=profile.plan if profile else None,
        status=Status(shop.status),
        hold=Hold(shop.hold) if shop.hold else None,
        cause=_cause(shop, now),
        attention=shop.attention,
        overdue=overdue_now(shop, now),
        failures=shop.failures,
        since=shop.since,
        failing_since=shop.failing_since,
        due_at=shop.due_at,
        installed_at=shop.installed_at,
        first_synced_at=shop.first_synced_at,
        last_synced_at=shop.last_synced_at,
        generation=shop.generation,
        error_class=shop.error_class,
        error_message=shop.error_message,
    )


def _cause(shop: ShopSync, now: datetime) -> str | None:
    if shop.hold:
        return shop.hold
    return OVERDUE if overdue_now(shop, now) else shop.error_class
