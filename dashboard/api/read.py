"""GET /api/health, /api/shops, /api/shops/{domain}, /api/sweeps: what the pages show, as JSON, for programs."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum, StrEnum
from typing import Any, TypeVar

from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from dashboard.api.answers import answer, stamp
from dashboard.api.bodies import LONGEST_TEXT, query_of
from dashboard.api.desk import Desk, desk_of
from dashboard.api.security import require_secret
from sync_core import health
from sync_core.errors import BadInput
from sync_core.shopify.domains import shop_domain
from sync_core.states import Status

WINDOW = re.compile(r"([1-9][0-9]{0,3})([hdw])", re.ASCII)
UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
LONGEST_WINDOW = timedelta(days=400)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
MOST_ROWS = 200
READ_SECONDS = 30.0
"""A program waits longer than a page does."""

Word = TypeVar("Word", bound=StrEnum)


def objectives(request: Request) -> Response:
    """The four objectives of `?window=7d`, or of `?from=` and `?to=`; `by=day` adds their steps. Errors: 400, 401."""
    desk, query = _asked(request)
    step = _word(query, "by", health.Step)
    with _reading(desk) as (session, now):
        since, until = window(query, now)
        said = health.report(session, since=since, until=until, now=now, settings=desk.settings, step=step)
    return answer(said)


def shops(request: Request) -> Response:
    """A page of the shops that match `q, status, cause, overdue, attention, sort`; the next by `after`."""
    desk, query = _asked(request)
    with _reading(desk) as (session, now):
        page = health.search(
            session,
            now=now,
            text=query.get("q", ""),
            status=_word(query, "status", Status),
            cause=query.get("cause") or None,
            overdue=_yes(query, "overdue"),
            attention=_yes(query, "attention"),
            sort=_word(query, "sort", health.Sort) or health.Sort.DOMAIN,
            after=query.get("after") or None,
            limit=_limit(query),
        )
    content = {"shops": plain(page.rows), "nextAfter": page.next_after, "total": page.total, "capped": page.capped}
    return answer(content)


def shop(request: Request) -> Response:
    """One shop: where it is and why, its attempts, changes, installs and data. Errors: 400, 401, 404."""
    desk, _ = _asked(request)
    domain = shop_domain(request.path_params["domain"])
    with _reading(desk) as (session, now):
        view = health.shop(session, domain=domain, now=now, settings=desk.settings)
    if view is None:
        raise HTTPException(404, "Shop not found")
    if view.profile is not None:
        view = replace(view, profile=replace(view.profile, contact_email=None))
    return answer({"shop": plain(view)})


def sweeps(request: Request) -> Response:
    """Ticks of the safety net, newest first; the next page by `before`. Errors: 400, 401."""
    desk, query = _asked(request)
    with _reading(desk) as (session, _):
        page = health.sweeps(session, before=query.get("before") or None, limit=_limit(query))
    return answer({"sweeps": plain(page.rows), "nextBefore": page.next_before})


def window(query: dict[str, str], now: datetime) -> tuple[datetime, datetime]:
    """[since, until) that a query names; the last 7 days when it names none. Errors: BadInput naming the field."""
    if "from" in query or "to" in query:
        until = _moment(query, "to") if "to" in query else now
        since = _moment(query, "from") if "from" in query else until - UNITS["w"]
    else:
        until, since = now, now - _span(query.get("window", "7d"))
    if not timedelta(0) < until - since <= LONGEST_WINDOW:
        raise BadInput(f"from must lie before to, by at most {LONGEST_WINDOW.days} days", field="from")
    return since, until


def plain(value: Any) -> Any:
    """Frozen values as JSON: fields in camelCase, moments as UTC text, words as they are."""
    if is_dataclass(value) and not isinstance(value, type):
        return {_camel(field.name): plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value


def _reading(desk: Desk) -> AbstractContextManager[tuple[Session, datetime]]:
    """A transaction, and its moment. Errors: TooSlow, which the caller hears as a 503."""
    return desk.database.look(patience=READ_SECONDS)


def _asked(request: Request) -> tuple[Desk, dict[str, str]]:
    require_secret(request, "read_api_token")
    query = query_of(request)
    for name, value in query.items():
        if len(value) > LONGEST_TEXT or "\x00" in value:
            raise BadInput(f"{name[:40]} must be at most {LONGEST_TEXT} characters, without NUL", field=name[:40])
    return desk_of(request), query


def _span(text: str) -> timedelta:
    found = WINDOW.fullmatch(text)
    if not found:
        raise BadInput("window must look like 24h, 7d or 4w", field="window")
    return int(found[1]) * UNITS[found[2]]


def _moment(query: dict[str, str], name: str) -> datetime:
    """A `+` in a query arrives as a space, so an offset is mended."""
    try:
        moment = datetime.fromisoformat(query[name].replace(" ", "+"))
        utc = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        utc = None
    if utc is None or utc < EARLIEST:
        raise BadInput(f"{name} must be a moment like 2026-11-24T00:00:00Z", field=name)
    return utc


def _word(query: dict[str, str], name: str, words: type[Word]) -> Word | None:
    given = query.get(name, "")
    if given and given not in set(words):
        raise BadInput(f"{name} must be one of {', '.join(words)}", field=name)
    return words(given) if given else None


def _yes(query: dict[str, str], name: str) -> bool:
    given = query.get(name, "0")
    if given not in ("0", "1"):
        raise BadInput(f"{name} must be 0 or 1", field=name)
    return given == "1"


def _limit(query: dict[str, str]) -> int:
    given = query.get("limit", "50")
    if not (given.isascii() and given.isdecimal() and len(given) <= 3 and 1 <= int(given) <= MOST_ROWS):
        raise BadInput(f"limit must be a number from 1 to {MOST_ROWS}", field="limit")
    return int(given)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
