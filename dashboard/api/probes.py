"""GET /healthz and GET /readyz."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response

from dashboard.api.answers import answer
from dashboard.api.desk import Desk, desk_of
from sync_core import schema
from sync_core.errors import SchemaMismatch

NEEDED = ("shopify_api_key", "shopify_api_secret", "cron_secret", "internal_api_secret")
OK = "ok"


async def healthz(_request: Request) -> Response:
    """This process answers; nothing else is looked at."""
    return answer({"status": OK})


def readyz(request: Request) -> Response:
    """Each check by name, `ok` or what is wrong; 503 when one fails."""
    desk = desk_of(request)
    checks = {name: check(desk) for name, check in CHECKS.items()}
    ready = all(result == OK for result in checks.values())
    headers = {} if ready else {"Retry-After": "5"}
    return answer({"ready": ready, "checks": checks}, 200 if ready else 503, headers=headers)


def _database(desk: Desk) -> str:
    try:
        with desk.database.read() as session:
            session.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        return f"unreachable: {type(error).__name__}"
    return OK


def _schema(desk: Desk) -> str:
    try:
        schema.check(desk.database)
    except SchemaMismatch as error:
        return str(error)
    except SQLAlchemyError as error:
        return f"unknown: {type(error).__name__}"
    return OK


def _secrets(desk: Desk) -> str:
    missing = [name.upper() for name in NEEDED if not getattr(desk.settings, name)]
    return f"missing: {', '.join(missing)}" if missing else OK


CHECKS: dict[str, Callable[[Desk], str]] = {"database": _database, "schema": _schema, "secrets": _secrets}
