"""Does an app database that is already there have what we read and write?

Only what we use is looked at: columns of no concern to us may be there in any number. Everything
that would make one of our statements fail later is a difference, said now and in words.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Inspector

from sync_core.app_models import AppBase, Shop, SyncStatus

KINDS: dict[type, str] = {str: "text", int: "integer", datetime: "timestamp", Decimal: "decimal"}


def app_schema(connection: Connection) -> str | None:
    """The schema of the app's tables: None on SQLite."""
    mapped = connection.get_execution_options().get("schema_translate_map") or {}
    schema: str | None = mapped.get(None)
    return schema


def holds_app_tables(connection: Connection) -> bool:
    """Whether "Shop" is there."""
    return sa.inspect(connection).has_table(Shop.__tablename__, schema=app_schema(connection))


def differences(connection: Connection) -> list[str]:
    """What the app's tables lack, one phrase each, e.g. 'Product.shopifyId is integer, not text'; [] is well."""
    inspector, schema = sa.inspect(connection), app_schema(connection)
    present = set(inspector.get_table_names(schema=schema))
    found: list[str] = []
    for table in AppBase.metadata.sorted_tables:
        if table.name in present:
            found += _of_table(inspector, table, schema)
        else:
            found.append(f"table {table.name} is missing")
    return found


def _of_table(inspector: Inspector, table: sa.Table, schema: str | None) -> list[str]:
    columns = {column["name"]: column for column in inspector.get_columns(table.name, schema=schema)}
    unique = _unique_columns(inspector, table.name, schema)
    native = inspector.dialect.name == "postgresql"
    wrong = [_of_column(column, columns.get(column.name), native=native) for column in table.columns]
    return [
        *(phrase for phrase in wrong if phrase),
        *(f"{table.name}.{name} must have a default, we do not write it" for name in _demanded(table, columns)),
        *(f"{table.name} ({', '.join(sorted(key))}) is not unique" for key in _keys(table) if key not in unique),
    ]


def _of_column(expected: sa.Column[Any], actual: Any, *, native: bool) -> str | None:
    name = f"{expected.table.name}.{expected.name}"
    if actual is None:
        return f"column {name} is missing"
    if native and expected.type is SyncStatus:
        return _of_status(name, actual["type"])
    wanted, found = _kind(expected.type), _kind(actual["type"])
    if wanted != found:
        return f"{name} is {found}, not {wanted}"
    if expected.nullable and not actual["nullable"]:
        return f"{name} does not allow null"
    return None


def _of_status(name: str, actual: Any) -> str | None:
    """On PostgreSQL the native type is needed: a text bound to another column fails, and the reverse."""
    if not isinstance(actual, sa.Enum):
        return f"{name} is {_kind(actual)}, not the type SyncStatus"
    if actual.name != SyncStatus.name or set(actual.enums) != set(SyncStatus.enums):
        wanted = ", ".join(SyncStatus.enums)
        return f"{name} is {actual.name} ({', '.join(actual.enums)}), not SyncStatus ({wanted})"
    return None


def _kind(of: Any) -> str:
    if isinstance(of, sa.Enum) and of is not SyncStatus:
        return f"the type {of.name}"
    plain = of.impl_instance if isinstance(of, sa.TypeDecorator) else of
    try:
        return KINDS.get(plain.python_type, str(plain).lower())
    except NotImplementedError:
        return str(of).lower()


def _demanded(table: sa.Table, columns: dict[str, Any]) -> list[str]:
    """Columns that are not ours and refuse an INSERT that leaves them out."""
    return [
        name
        for name, column in columns.items()
        if name not in table.columns and not column["nullable"] and column["default"] is None
    ]


def _keys(table: sa.Table) -> list[frozenset[str]]:
    """The unique keys that our upserts name."""
    return [
        frozenset(column.name for column in constraint.columns)
        for constraint in table.constraints
        if isinstance(constraint, sa.PrimaryKeyConstraint | sa.UniqueConstraint)
    ]


def _unique_columns(inspector: Inspector, table: str, schema: str | None) -> set[frozenset[str]]:
    found = [inspector.get_pk_constraint(table, schema=schema)["constrained_columns"]]
    found += [item["column_names"] for item in inspector.get_unique_constraints(table, schema=schema)]
    found += [
        [name for name in item["column_names"] if name]
        for item in inspector.get_indexes(table, schema=schema, include_auto_indexes=True)
        if item["unique"] and not item.get("dialect_options", {}).get("postgresql_where")
    ]
    return {frozenset(columns) for columns in found}
