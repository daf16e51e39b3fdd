"""Failed tries of a window by cause: how many, and how many of them are still open."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal_column, select, union_all
from sqlalchemy.orm import Session

from sync_core.health.conditions import FAILING
from sync_core.health.episodes import SPOILS
from sync_core.health.hours import Books, Window
from sync_core.models import ShopSync, SyncAttempt
from sync_core.states import Hold, Outcome

FAILURES = "failures"
"""The family of the roll-ups; its figures are the error classes."""

FAILED = SyncAttempt.outcome.in_([literal_column(f"'{word.value}'") for word in (Outcome.FAILED, Outcome.ORPHANED)])


FAILED_OF_SHOP = and_(SPOILS, SyncAttempt.outcome != Outcome.STOLEN.value)
"""The same in the words of the index by shop."""

LATELY = timedelta(days=1)
"""Of so long the tries are read and their shops looked up; of before it, the tries of those that fail for longer."""


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
    here: Counter[str] = Counter()
    left: Counter[str] = Counter()
    lately = max(window.since, window.end - LATELY)
    parts = [_tries(FAILED, Window(lately, window.end))]
    if window.since < lately:
        old = and_(FAILED_OF_SHOP, ShopSync.failing_since < lately)
        parts.append(_tries(old, Window(window.since, lately)))
    for is_gone, error, n in session.execute(union_all(*parts)):
        (left if is_gone else here)[error] += n
    return here, left


def _tries(which: ColumnElement[bool], window: Window) -> Select[*tuple[Any, ...]]:
    """(gone, error class, tries) of a span, of shops that have failed ever since."""
    gone = (ShopSync.hold.is_not_distinct_from(Hold.UNINSTALLED.value)).label("gone")
    query = failed_tries(gone, which=which).join(ShopSync, ShopSync.shop_id == SyncAttempt.shop_id)
    since = and_(SyncAttempt.generation == ShopSync.generation, SyncAttempt.ended_at >= ShopSync.failing_since)
    return query.where(FAILING, since, window.spans(SyncAttempt.ended_at))
