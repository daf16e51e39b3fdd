"""Create, migrate, check and remove our schema.

Forward-only, with Alembic; one transaction holds the lock, the look at the version and every step,
so that processes may start in any order and two of them never migrate at once.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.engine import Connection
from sqlalchemy.schema import CreateSchema, DropSchema, DropTable

from sync_core import cluster_schema, content_models, finding  # noqa: F401 - its tables are in the metadata
from sync_core.config import Dispatch, Settings
from sync_core.db import Database, open_database
from sync_core.errors import BadSetting, SchemaMismatch
from sync_core.models import SYNC_SCHEMA, Base

SCRIPTS = Path(__file__).parent / "migrations"
VERSION_TABLE = "alembic_version"
MIGRATION_LOCK = 5_468_731
"""Key of the advisory lock: any number, the same in each process."""

MEND = "run `shopsync init`"


def prepare(settings: Settings) -> list[str]:
    """Create our tables, or bring them up to this version, through DIRECT_URL where it is set.

    Returns: the revisions that were applied, oldest first, and the task engine's version when its tables
    were made; [] when nothing was to be done.
    Errors: SchemaMismatch (newer than this version; the app's tables differ; the schema holds
    tables that are not ours), BadSetting, database errors.
    """
    database = open_database(_direct(settings), host_clock=_no_clock)
    try:
        with database.engine.begin() as connection:
            applied = _upgrade(connection)
            finding.index(connection)
            engine = cluster_schema.apply(connection) if settings.dispatch is Dispatch.PROCRASTINATE else None
            return [*applied, engine] if engine else applied
    finally:
        database.close()


def check(database: Database) -> None:
    """Return when the database is at this version. Errors: SchemaMismatch with the command that mends it."""
    with database.readonly.connect() as connection:
        revision = _revision(connection)
    script = _script()
    if revision == script.get_current_head():
        return
    if revision is None:
        raise SchemaMismatch(f"the database has no tables of Shopsync: {MEND}")
    _refuse_newer(script, revision)
    raise SchemaMismatch(f"the database is at revision {revision}, older than this version: {MEND}")


def detach(database: Database) -> list[str]:
    """Drop our tables and, on PostgreSQL, our schema; the app's tables stay as they are.

    Returns: the names of the tables that were dropped. Errors: SchemaMismatch when none are there.
    """
    with database.engine.begin() as connection:
        if _revision(connection) is None:
            raise SchemaMismatch("nothing to detach: the database has no tables of Shopsync")
        schema = _our_schema(connection)
        dropped = _our_tables(connection)
        if schema:
            connection.execute(DropSchema(schema, cascade=True))
            return dropped
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(DropTable(table, if_exists=True))
        connection.execute(text(f"DROP TABLE {VERSION_TABLE}"))
        return dropped


def _upgrade(connection: Connection) -> list[str]:
    _lock(connection)
    script = _script()
    before = _revision(connection)
    if before is None:
        _make_room(connection)
    else:
        _refuse_newer(script, before)
    _run(connection)
    return [step.revision for step in reversed(list(script.iterate_revisions("heads", before)))]


def _run(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["options"] = {"connection": connection, **_version_table(connection)}
    command.upgrade(config, "heads")


def _lock(connection: Connection) -> None:
    """Keep other migrations out until the transaction ends; SQLite's BEGIN IMMEDIATE has done so already."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})


def _make_room(connection: Connection) -> None:
    """Our schema, empty. A first run never builds among tables that somebody else made."""
    schema = _our_schema(connection)
    if schema and schema == _mapped(connection).get(None):
        raise BadSetting(f"DB_SCHEMA is {schema!r}: expected another schema than the app's")
    found = _our_tables(connection)
    if found:
        place = f"schema {schema}" if schema else "the database"
        raise SchemaMismatch(f"{place} holds {', '.join(found)}, not made by Shopsync: expected none of these")
    if schema:
        connection.execute(CreateSchema(schema, if_not_exists=True))


def _our_tables(connection: Connection) -> list[str]:
    """Tables in our place: on PostgreSQL all of our schema, on SQLite those with a name of ours."""
    schema = _our_schema(connection)
    present = inspect(connection).get_table_names(schema=schema)
    if schema:
        return sorted(present)
    ours = {table.name for table in Base.metadata.sorted_tables} | {VERSION_TABLE}
    return sorted(ours.intersection(present))


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection, opts=_version_table(connection)).get_current_revision()


def _version_table(connection: Connection) -> dict[str, Any]:
    return {"version_table": VERSION_TABLE, "version_table_schema": _our_schema(connection)}


def _refuse_newer(script: ScriptDirectory, revision: str) -> None:
    known = {step.revision for step in script.walk_revisions()}
    if revision not in known:
        raise SchemaMismatch(
            f"the database is at revision {revision}, unknown to this version (newest known: "
            f"{script.get_current_head()}): install the newer Shopsync, then {MEND}"
        )


def _script() -> ScriptDirectory:
    return ScriptDirectory(str(SCRIPTS))


def _mapped(connection: Connection) -> dict[str | None, str | None]:
    mapped: dict[str | None, str | None] = connection.get_execution_options()["schema_translate_map"]
    return mapped


def _our_schema(connection: Connection) -> str | None:
    return _mapped(connection)[SYNC_SCHEMA]


def _direct(settings: Settings) -> Settings:
    return settings.model_copy(update={"database_url": settings.direct_url or settings.database_url})


def _no_clock() -> datetime:
    raise AssertionError("a migration reads no clock")
