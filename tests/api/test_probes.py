"""Probes name what is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from dashboard.api.desk import Desk
from sync_core.db import open_database
from tests.api.client import TestClient
from tests.api.conftest import client_of
from tests.conftest import MakeSettings


def test_a_living_process_answers(api: TestClient) -> None:
    reply = api.get("/healthz")

    assert (reply.status_code, reply.json()) == (200, {"status": "ok"})


def test_all_checks_well_is_ready(api: TestClient) -> None:
    reply = api.get("/readyz")

    checks = {"database": "ok", "schema": "ok", "secrets": "ok"}
    assert (reply.status_code, reply.json()) == (200, {"ready": True, "checks": checks})


def test_an_unreachable_database_is_named(desk: Desk, make_settings: MakeSettings) -> None:
    nowhere = make_settings(database_url="postgresql://nobody:secret@127.0.0.1:1/none")
    database = open_database(nowhere, host_clock=desk.clock)

    reply = client_of(replace(desk, database=database)).get("/readyz")

    assert (reply.status_code, reply.headers["retry-after"]) == (503, "5")
    assert reply.json()["checks"]["database"] == "unreachable: OperationalError"
    assert "secret" not in reply.text.replace("secrets", "")


def test_a_wrong_schema_is_named_with_its_mend(api: TestClient, desk: Desk) -> None:
    schema = f"{desk.settings.db_schema}." if desk.database.is_postgres else ""
    with desk.database.write() as session:
        session.execute(text(f"UPDATE {schema}alembic_version SET version_num = '0000'"))

    reply = api.get("/readyz")

    assert reply.status_code == 503
    assert "shopsync init" in reply.json()["checks"]["schema"]


@pytest.mark.parametrize("name", ["shopify_api_key", "shopify_api_secret", "cron_secret", "internal_api_secret"])
def test_a_missing_secret_is_named(desk: Desk, make_settings: MakeSettings, name: str) -> None:
    settings = make_settings(**{name: None}, database_url=desk.settings.database_url)

    reply = client_of(replace(desk, settings=settings)).get("/readyz")

    assert (reply.status_code, reply.json()["checks"]["secrets"]) == (503, f"missing: {name.upper()}")
