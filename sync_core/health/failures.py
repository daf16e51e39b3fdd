"""Failed tries of a window by cause: how many, and how many of them are still open."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal_column, select
from sqlalchemy.orm import Session

from sync_core.health.conditions import FAILING
from sync_core.health.episodes import SPOILS
from sync_core.health.hours import Books, Window
from sync_core.health.spans import moment
from sync_core.models import ShopSync, SyncAttempt
from sync_core.states import Hold, Outcome

FAILURES = "failures"
"""The family of the roll-ups; its figures are the error classes."""

FAILED = SyncAttempt.outcome.in_([literal_column(f"'{word.value}'") for word in (Outcome.FAILED, Outcome.ORPHANED)])


FAILED_OF_SHOP = and_(SPOILS, SyncAttempt.outcome != Outcome.STOLEN.value)
"""The same in the words of the index by shop: in those of the index by time PostgreSQL read a whole window's tries."""


def failed_tries(*also: ColumnElement[Any], which: ColumnElement[bool] = FAILED) -> Select[*tuple[Any, ...]]:
    """(error class, tries) of the event rows; `also` are columns before them. A worker's death is a class, too."""
    error = func.coalesce(SyncAttempt.error_class, SyncAttempt.outcome).label("error")
    return select(*also, error, func.count().label("n")).where(which).group_by(*also, "error")


def by_class(books: Books, window: Window) -> Counter[str]:
    """Error class → failed tries that ended in the window."""
    split = books.parts(window, FAILURES)
    found = Counter(books.rolled(split, FAILURES))
    for error, n in books.session.execute(failed_tries().where(split.events(SyncAttempt.ended_at))):
        found[error] += n
    return found


def still_failing(session: Session, window: Window) -> tuple[Counter[str], Counter[str]]:
    """Error class → tries of the window since which their shop fails: of shops that are here, and that left."""
    gone = (ShopSync.hold.is_not_distinct_from(Hold.UNINSTALLED.value)).label("gone")
    query = failed_tries(gone, which=FAILED_OF_SHOP).join(ShopSync, ShopSync.shop_id == SyncAttempt.shop_id)
    began = moment(window.since)
    later = case(
        (ShopSync.failing_since > began, ShopSync.failing_since), else_=began
    )  # a plain bound has every try read
    since = and_(SyncAttempt.generation == ShopSync.generation, SyncAttempt.ended_at >= later)
    here: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for is_gone, error, n in session.execute(query.where(FAILING, since, SyncAttempt.ended_at < window.end)):
        (left if is_gone else here)[error] += n
    return here, left
