"""SHA-256 of a text column in SQL, on both engines."""

from __future__ import annotations

from typing import Any

from sqlalchemy import String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction


class sha256_text(GenericFunction[str]):  # noqa: N801 - a function of SQL, named like one
    """Hex SHA-256 of a UTF-8 text; on SQLite `db` registers it on each connection."""

    type = String()
    inherit_cache = True


@compiles(sha256_text, "postgresql")
def _on_postgres(element: sha256_text, compiler: Any, **options: Any) -> str:
    inner = compiler.process(element.clauses, **options)
    return f"encode(sha256(convert_to({inner}, 'UTF8')), 'hex')"
