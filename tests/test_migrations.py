"""A migrated database is what the models say; the app's database is stood on, not altered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData, inspect, text
from sqlalchemy.dialects.postgresql import ENUM
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.schema import CreateSchema

from sync_core import finding
from sync_core.app_models import AppBase, SyncStatus
from sync_core.config import Settings
from sync_core.db import Database, open_database
from sync_core.errors import BadSetting, SchemaMismatch
from sync_core.models import SYNC_SCHEMA, Base
from sync_core.schema import check, detach, prepare
from tests.conftest import Clock, MakeSettings
from tests.postgres import Postgres

REVISIONS = [
    "0001",
    "0002",
    "0003",
    "0004",
    "0005",
    "0006",
    "0007",
    "0008",
    "0009",
    "0010",
    "0011",
    "0012",
    "0013",
    "0014",
    "0015",
]
NEWEST = REVISIONS[-1]


@pytest.fixture
def bare(bare_url: str, make_settings: MakeSettings, clock: Clock) -> Iterator[Database]:
    """A database without any table."""
    opened = open_database(make_settings(database_url=bare_url), host_clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def bare_settings(bare_url: str, make_settings: MakeSettings) -> Settings:
    return make_settings(database_url=bare_url)


def create_all(database: Database) -> None:
    """Tables straight from the models."""
    with database.engine.begin() as connection:
        if database.is_postgres:
            connection.execute(CreateSchema("shopsync"))
            ENUM(*SyncStatus.enums, name=SyncStatus.name).create(connection)
        AppBase.metadata.create_all(connection)
        Base.metadata.create_all(connection)


def picture(database: Database) -> dict[str, Any]:
    """Tables with columns, keys, indexes and checks, as the database itself tells them."""
    with database.readonly.connect() as connection:
        return _picture(connection)


def _picture(connection: Connection) -> dict[str, Any]:
    inspector = inspect(connection)
    mapped = connection.get_execution_options()["schema_translate_map"]
    schemas = {mapped.get(None), mapped[SYNC_SCHEMA]}
    tables = [(schema, name) for schema in schemas for name in inspector.get_table_names(schema=schema)]
    return {f"{schema}.{name}": _table(inspector, name, schema) for schema, name in tables if name != "alembic_version"}


def _table(inspector: Any, name: str, schema: str | None) -> dict[str, Any]:
    return {
        "columns": [{**column, "type": repr(column["type"])} for column in inspector.get_columns(name, schema=schema)],
        "key": inspector.get_pk_constraint(name, schema=schema),
        "unique": _sorted(inspector.get_unique_constraints(name, schema=schema)),
        "checks": _sorted(inspector.get_check_constraints(name, schema=schema)),
        "foreign": _sorted(inspector.get_foreign_keys(name, schema=schema)),
        "indexes": _sorted(
            each for each in inspector.get_indexes(name, schema=schema) if each["name"] != finding.INDEX
        ),
    }


def _sorted(found: Iterable[Any]) -> list[str]:
    return sorted(str({key: _plain(item[key]) for key in sorted(item)}) for item in found)


def _plain(value: Any) -> Any:
    """An index's condition as text, so that two of them compare."""
    return {key: str(of) for key, of in value.items()} if isinstance(value, dict) else value


def test_a_migrated_database_is_drawn_like_one_made_from_the_models(database: Database, bare: Database) -> None:
    create_all(bare)

    assert picture(database) == picture(bare)


@pytest.mark.parametrize("metadata", [Base.metadata, AppBase.metadata], ids=["ours", "app"])
def test_alembic_finds_no_difference_between_models_and_database(database: Database, metadata: MetaData) -> None:
    schema = "shopsync" if database.is_postgres and metadata is Base.metadata else None
    expected = MetaData(naming_convention=metadata.naming_convention)
    for table in metadata.sorted_tables:
        table.to_metadata(expected, schema=schema, referred_schema_fn=lambda *_: schema)  # type: ignore[arg-type]

    with database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection.execution_options(schema_translate_map=None),
            opts={
                "compare_type": True,
                "include_schemas": schema is not None,
                "include_name": lambda name, kind, parents: _looked_at(name, kind, parents, expected, schema),
            },
        )

        assert compare_metadata(context, expected) == []


def _looked_at(name: str | None, kind: str, parents: Any, expected: MetaData, schema: str | None) -> bool:
    if kind == "schema":
        return name == schema
    if kind == "table":
        return (f"{schema}.{name}" if schema else name) in expected.tables
    return name != finding.INDEX  # made where the server has trigrams


def test_preparing_twice_does_nothing_the_second_time(bare_settings: Settings, bare: Database) -> None:
    first = prepare(bare_settings)

    second = prepare(bare_settings)

    assert (first, second) == (REVISIONS, [])
    check(bare)


def test_processes_that_start_together_migrate_once(bare_settings: Settings, bare: Database) -> None:
    with ThreadPoolExecutor(4) as pool:
        applied = list(pool.map(lambda _: prepare(bare_settings), range(4)))

    assert sorted(applied) == [[], [], [], REVISIONS]
    check(bare)


def test_a_database_without_our_tables_names_the_command_that_mends_it(bare: Database) -> None:
    with pytest.raises(SchemaMismatch, match=r"no tables of Shopsync: run `shopsync init`"):
        check(bare)


def set_revision(database: Database, revision: str) -> None:
    with database.engine.begin() as connection:
        table = "shopsync.alembic_version" if database.is_postgres else "alembic_version"
        connection.execute(text(f"UPDATE {table} SET version_num = :revision"), {"revision": revision})


def test_an_older_database_names_the_command_that_mends_it(database: Database) -> None:
    set_revision(database, "0001")

    with pytest.raises(SchemaMismatch, match=r"revision 0001, older .* run `shopsync init`"):
        check(database)


def test_a_newer_database_is_refused_by_check_and_by_prepare(database: Database, settings: Settings) -> None:
    set_revision(database, "9999")

    for act in (lambda: check(database), lambda: prepare(settings)):
        with pytest.raises(SchemaMismatch, match=r"revision 9999, unknown to this version .* newer Shopsync"):
            act()


APP_AS_IT_IS = """
CREATE TYPE "SyncStatus" AS ENUM ('PENDING', 'IN_PROGRESS', 'COMPLETED', 'FAILED');
CREATE TABLE "Shop" (
    "id" TEXT NOT NULL PRIMARY KEY, "shopDomain" TEXT NOT NULL, "accessToken" TEXT NOT NULL,
    "scopes" TEXT NOT NULL, "installedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "uninstalledAt" TIMESTAMP(3), "currencyCode" TEXT NOT NULL DEFAULT 'USD',
    "syncStatus" "SyncStatus" NOT NULL DEFAULT 'PENDING', "lastSyncAt" TIMESTAMP(3),
    "userId" TEXT, "onboardingComplete" BOOLEAN NOT NULL DEFAULT false, "onboardingStep" INTEGER NOT NULL DEFAULT 0);
CREATE UNIQUE INDEX "Shop_shopDomain_key" ON "Shop"("shopDomain");
CREATE TABLE "Product" (
    "id" TEXT NOT NULL PRIMARY KEY, "shopId" TEXT NOT NULL REFERENCES "Shop"("id"),
    "shopifyId" TEXT NOT NULL UNIQUE, "title" TEXT NOT NULL, "handle" TEXT NOT NULL, "vendor" TEXT,
    "productType" TEXT, "createdAt" TIMESTAMP(3) NOT NULL, "updatedAt" TIMESTAMP(3) NOT NULL);
CREATE TABLE "Variant" (
    "id" TEXT NOT NULL PRIMARY KEY, "productId" TEXT NOT NULL REFERENCES "Product"("id") ON DELETE CASCADE,
    "shopifyId" TEXT NOT NULL UNIQUE, "title" TEXT NOT NULL, "sku" TEXT, "price" DECIMAL(10,2) NOT NULL,
    "cost" DECIMAL(10,2), "inventoryQuantity" INTEGER);
CREATE TABLE "Customer" (
    "id" TEXT NOT NULL PRIMARY KEY, "shopId" TEXT NOT NULL REFERENCES "Shop"("id"), "shopifyId" TEXT NOT NULL UNIQUE,
    "email" TEXT, "firstName" TEXT, "lastName" TEXT, "createdAt" TIMESTAMP(3) NOT NULL);
CREATE TABLE "Order" (
    "id" TEXT NOT NULL PRIMARY KEY, "shopId" TEXT NOT NULL REFERENCES "Shop"("id"), "shopifyId" TEXT NOT NULL UNIQUE,
    "customerId" TEXT REFERENCES "Customer"("id"), "orderNumber" TEXT NOT NULL, "totalPrice" DECIMAL(10,2) NOT NULL,
    "subtotalPrice" DECIMAL(10,2) NOT NULL, "totalTax" DECIMAL(10,2) NOT NULL,
    "totalDiscounts" DECIMAL(10,2) NOT NULL, "currency" TEXT NOT NULL, "financialStatus" TEXT,
    "fulfillmentStatus" TEXT, "createdAt" TIMESTAMP(3) NOT NULL, "updatedAt" TIMESTAMP(3) NOT NULL);
CREATE TABLE "OrderLineItem" (
    "id" TEXT NOT NULL PRIMARY KEY, "orderId" TEXT NOT NULL REFERENCES "Order"("id"),
    "shopifyId" TEXT NOT NULL UNIQUE, "productId" TEXT, "variantId" TEXT, "title" TEXT NOT NULL,
    "quantity" INTEGER NOT NULL, "price" DECIMAL(10,2) NOT NULL, "totalDiscount" DECIMAL(10,2) NOT NULL);
CREATE TABLE "Refund" (
    "id" TEXT NOT NULL PRIMARY KEY, "orderId" TEXT NOT NULL REFERENCES "Order"("id"),
    "shopifyId" TEXT NOT NULL UNIQUE, "amount" DECIMAL(10,2) NOT NULL, "createdAt" TIMESTAMP(3) NOT NULL);
CREATE TABLE "SyncState" (
    "id" TEXT NOT NULL PRIMARY KEY, "shopId" TEXT NOT NULL REFERENCES "Shop"("id"), "resource" TEXT NOT NULL,
    "lastId" TEXT, "lastSyncedAt" TIMESTAMP(3), UNIQUE ("shopId", "resource"));
INSERT INTO "Shop" ("id", "shopDomain", "accessToken", "scopes", "userId", "onboardingStep")
    VALUES ('c1', 'old.myshopify.com', 'sealed', 'read_products', 'u1', 3);
"""


def app_statements(database: Database) -> Iterator[str]:
    """The app's own tables as another program made them; SQLite has no types to create."""
    script = APP_AS_IT_IS if database.is_postgres else APP_AS_IT_IS.replace('"SyncStatus"', "TEXT")
    for statement in filter(str.strip, script.split(";\n")):
        if database.is_postgres or "CREATE TYPE" not in statement:
            yield statement


@pytest.fixture
def app_database(bare: Database) -> Database:
    """The app's database as it is, with one shop."""
    with bare.engine.begin() as connection:
        for statement in app_statements(bare):
            connection.exec_driver_sql(statement)
    return bare


def app_picture(database: Database) -> dict[str, Any]:
    drawn = picture(database)
    return {name: drawn[name] for name in drawn if name.split(".")[1] in AppBase.metadata.tables}


def only_shop(database: Database) -> list[Any]:
    with database.engine.connect() as connection:
        return list(connection.exec_driver_sql('SELECT * FROM "Shop"').all())


def test_the_apps_database_is_adopted_without_a_change(app_database: Database, bare_settings: Settings) -> None:
    tables, shop = app_picture(app_database), only_shop(app_database)

    prepare(bare_settings)

    check(app_database)
    assert (app_picture(app_database), only_shop(app_database)) == (tables, shop)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ('DROP TABLE "Refund"', "table Refund is missing"),
        ('ALTER TABLE "Product" DROP COLUMN "handle"', "column Product.handle is missing"),
        ('DROP INDEX "Shop_shopDomain_key"', "Shop (shopDomain) is not unique"),
    ],
)
def test_each_difference_of_the_apps_tables_is_named(
    app_database: Database, bare_settings: Settings, change: str, said: str
) -> None:
    with app_database.engine.begin() as connection:
        connection.exec_driver_sql(change)

    refused = refusal(bare_settings)

    assert refused == f"the app's tables are not as expected: {said}"


@pytest.mark.parametrize("engine_name", ["postgresql"])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ('"Refund" ALTER COLUMN "id" TYPE VARCHAR(255)', None),
        ('"Refund" ALTER COLUMN "createdAt" DROP NOT NULL', None),
        ('"Refund" ALTER COLUMN "id" TYPE INTEGER USING 1', "Refund.id is integer, not text"),
        ('"Refund" ALTER COLUMN "amount" TYPE FLOAT', "Refund.amount is double precision, not decimal"),
        ('"Refund" ALTER COLUMN "createdAt" TYPE TEXT', "Refund.createdAt is text, not timestamp"),
        ('"Variant" ALTER COLUMN "cost" SET NOT NULL', "Variant.cost does not allow null"),
        ('"Shop" ALTER COLUMN "syncStatus" TYPE TEXT', "Shop.syncStatus is text, not the type SyncStatus"),
        (
            '"Shop" ALTER COLUMN "scopes" TYPE "SyncStatus" USING \'PENDING\'',
            "Shop.scopes is the type SyncStatus, not text",
        ),
        ('"Customer" ADD COLUMN "a" TEXT DEFAULT \'\' NOT NULL', None),
        ('"Customer" ADD COLUMN "a" TEXT NOT NULL', "Customer.a must have a default, we do not write it"),
    ],
)
def test_a_column_is_accepted_when_our_statements_fit_it(
    app_database: Database, bare_settings: Settings, change: str, said: str | None
) -> None:
    with app_database.engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {change}")

    refused = refusal(bare_settings)

    assert refused == (said and f"the app's tables are not as expected: {said}")


def refusal(settings: Settings) -> str | None:
    """What `prepare` refuses with; None when it does not."""
    try:
        prepare(settings)
    except SchemaMismatch as mismatch:
        return str(mismatch)
    return None


def test_a_refused_database_is_left_without_a_table_of_ours(app_database: Database, bare_settings: Settings) -> None:
    with app_database.engine.begin() as connection:
        connection.exec_driver_sql('DROP TABLE "Refund"')

    refusal(bare_settings)

    assert set(picture(app_database)) == set(app_picture(app_database))
    with pytest.raises(SchemaMismatch, match="no tables of Shopsync"):
        check(app_database)


def test_a_step_that_fails_leaves_nothing_behind(bare: Database, bare_settings: Settings) -> None:
    with bare.engine.begin() as connection:
        connection.exec_driver_sql('CREATE TABLE "SyncState" (x INTEGER)')

    with pytest.raises(Exception, match=r"(?i)already exists"):
        prepare(bare_settings)

    assert len(picture(bare)) == 1


def test_detaching_leaves_the_apps_tables_and_their_rows(app_database: Database, bare_settings: Settings) -> None:
    tables, shop = app_picture(app_database), only_shop(app_database)
    prepare(bare_settings)

    dropped = detach(app_database)

    assert {"shop_sync", "token", "alembic_version"} < set(dropped)
    assert picture(app_database) == tables
    assert only_shop(app_database) == shop


def test_what_was_detached_can_be_prepared_again(database: Database, settings: Settings) -> None:
    detach(database)

    prepare(settings)

    check(database)


def test_detaching_is_refused_where_nothing_of_ours_is(app_database: Database) -> None:
    with pytest.raises(SchemaMismatch, match="nothing to detach"):
        detach(app_database)


def test_tables_of_somebody_else_in_our_place_are_refused(bare: Database, bare_settings: Settings) -> None:
    with bare.engine.begin() as connection:
        if bare.is_postgres:
            connection.execute(CreateSchema("shopsync"))
        connection.exec_driver_sql(f"CREATE TABLE {'shopsync.' if bare.is_postgres else ''}note (x INTEGER)")

    with pytest.raises(SchemaMismatch, match=r"holds note, not made by Shopsync"):
        prepare(bare_settings)


@pytest.fixture
def elsewhere(postgres: Postgres, make_settings: MakeSettings, clock: Clock) -> Iterator[Callable[..., Database]]:
    """Databases on one PostgreSQL in which neither schema has its usual name."""
    with postgres.fresh() as url:
        named = make_url(url).update_query_dict({"schema": "app"}).render_as_string(hide_password=False)
        settings = make_settings(database_url=named, db_schema="beside")
        database = open_database(settings, host_clock=clock)
        with database.engine.begin() as connection:
            connection.execute(CreateSchema("app"))
        yield lambda: (prepare(settings), database)[1]
        database.close()


def test_both_schemas_may_have_other_names(elsewhere: Callable[..., Database]) -> None:
    database = elsewhere()

    check(database)
    assert {name.split(".")[0] for name in picture(database)} == {"app", "beside"}
    with database.engine.connect() as connection:
        assert inspect(connection).get_table_names(schema="public") == []


@pytest.mark.parametrize("engine_name", ["postgresql"])
def test_our_schema_must_not_be_the_apps(bare_url: str, make_settings: MakeSettings) -> None:
    with pytest.raises(BadSetting, match=r"DB_SCHEMA is 'public': expected another"):
        prepare(make_settings(database_url=bare_url, db_schema="public"))


def test_migrations_go_through_the_direct_url(bare_url: str, bare: Database, make_settings: MakeSettings) -> None:
    pooled = bare_url.replace("shopsync", "nowhere") if bare.is_postgres else "sqlite:///nowhere.db"

    prepare(make_settings(database_url=pooled, direct_url=bare_url))

    check(bare)
    assert not Path("nowhere.db").exists()
