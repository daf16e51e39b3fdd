"""The task engine's tables inside our schema: made, renewed, checked.

procrastinate's statements name their tables bare. Its functions get our schema as their search_path, so
that a trigger finds its tables from any connection, also behind a transaction pooler. The tables hold
nothing but ids of shops that are awake: another version of the engine gets them made anew.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from sqlalchemy import text
from sqlalchemy.engine import Connection

from sync_core.db import Database
from sync_core.errors import BadSetting, SchemaMismatch
from sync_core.models import SYNC_SCHEMA

MISSING = "DISPATCH is 'procrastinate': expected its package to be installed, pip install 'shopsync[cluster]'"

STAMP = text("SELECT obj_description(to_regclass(:jobs))")

DROP = """
DO $$ DECLARE made record; BEGIN
FOR made IN SELECT format('DROP FUNCTION %s CASCADE', p.oid::regprocedure) AS away
    FROM pg_proc p WHERE p.pronamespace = '"{schema}"'::regnamespace AND p.proname LIKE 'procrastinate\\_%'
UNION ALL SELECT format('DROP TABLE %s CASCADE', c.oid::regclass)
    FROM pg_class c WHERE c.relnamespace = '"{schema}"'::regnamespace AND c.relkind = 'r'
    AND c.relname LIKE 'procrastinate\\_%'
LOOP EXECUTE made.away; END LOOP;
FOR made IN SELECT format('DROP TYPE %s CASCADE', t.oid::regtype) AS away
    FROM pg_type t WHERE t.typnamespace = '"{schema}"'::regnamespace AND t.typelem = 0
    AND t.typname LIKE 'procrastinate\\_%'
LOOP EXECUTE made.away; END LOOP;
END $$
"""

PIN = """
DO $$ DECLARE made record; BEGIN
FOR made IN SELECT p.oid::regprocedure AS name
    FROM pg_proc p WHERE p.pronamespace = '"{schema}"'::regnamespace AND p.proname LIKE 'procrastinate\\_%'
LOOP EXECUTE format('ALTER FUNCTION %s SET search_path = "{schema}"', made.name); END LOOP;
END $$
"""


def apply(connection: Connection) -> str | None:
    """Make the engine's tables in our schema, in the caller's transaction; None when they are as they should be.

    Returns: the engine's version that was applied. Errors: BadSetting when its package is missing.
    """
    wanted = _installed()
    if _stamped(connection) == wanted:
        return None
    schema = _our_schema(connection)
    for statement in (DROP.format(schema=schema), f'SET LOCAL search_path TO "{schema}"', _statements()):
        _run(connection, statement)
    _run(connection, PIN.format(schema=schema))
    _run(connection, f"COMMENT ON TABLE procrastinate_jobs IS '{wanted}'")
    _run(connection, "SET LOCAL search_path TO DEFAULT")
    return wanted


def check(database: Database) -> None:
    """Return when the engine's tables fit its package. Errors: BadSetting, SchemaMismatch with the mend."""
    wanted = _installed()
    with database.readonly.connect() as connection:
        found = _stamped(connection)
    if found != wanted:
        raise SchemaMismatch(
            f"procrastinate's tables are {found or 'not there'}, expected {wanted}: run `shopsync init`"
        )


def _installed() -> str:
    try:
        return f"procrastinate {version('procrastinate')}"
    except PackageNotFoundError:
        raise BadSetting(MISSING) from None


def _stamped(connection: Connection) -> str | None:
    jobs = f'"{_our_schema(connection)}".procrastinate_jobs'
    found: str | None = connection.execute(STAMP, {"jobs": jobs}).scalar_one()
    return found


def _statements() -> str:
    from procrastinate.schema import SchemaManager

    return SchemaManager.get_schema()


def _run(connection: Connection, statements: str) -> None:
    """Several statements at once: the driver takes them only bare, without parameters."""
    cursor = connection.connection.cursor()
    try:
        cursor.execute(statements)
    finally:
        cursor.close()


def _our_schema(connection: Connection) -> str:
    schema: str = connection.get_execution_options()["schema_translate_map"][SYNC_SCHEMA]
    return schema
