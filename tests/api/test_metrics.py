"""Figures for Prometheus: valid, without a shop, and for nobody from outside without the token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event

from dashboard.api.app import create_app
from dashboard.api.desk import Desk, Door
from sync_core.alerts.book import keep
from sync_core.db import open_database
from sync_core.states import Hold, Status
from tests.api.client import TestClient
from tests.api.conftest import READ
from tests.conftest import Clock, MakeSettings
from tests.health_rows import Rows

LOCAL = {"base_url": "http://127.0.0.1:8502", "client": ("127.0.0.1", 50_000)}
Samples = dict[tuple[str, tuple[str, ...]], float]


def local(desk: Desk, **other: object) -> TestClient:
    """A client on this machine."""
    return TestClient(create_app(Door(lambda: desk)), **(LOCAL | other))


def samples(text: str) -> Samples:
    """(name, label values) → value, as Prometheus reads it."""
    found = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name.removeprefix("shopsync_"), tuple(sample.labels.values())): sample.value for sample in found}


@pytest.fixture
def burning(desk: Desk, clock: Clock) -> None:
    """A scheduler, checks of an hour, and shops in several states."""
    with desk.database.write() as session:
        rows = Rows(session, clock())
        rows.beat("scheduler", clock(), workers=16, running=3, clock_offset=0.5)
        for nth in range(13):
            rows.sweep(clock() - timedelta(minutes=5 * nth), over_limit=0 if nth else 2)
        for nth in range(4):
            rows.installed(clock() - timedelta(hours=30), claimed=12, synced=90 + nth, path="wake")
        rows.shop("late", status=Status.PENDING, due_at=clock() - timedelta(minutes=11))
        rows.shop("frozen", status=Status.FAILED, hold=Hold.FROZEN, failures=1)
    keep(desk.database, desk.settings)


def test_a_scrape_is_read_by_prometheus_and_names_no_shop(desk: Desk, burning: None) -> None:
    reply = local(desk).get("/metrics")

    assert (reply.status_code, reply.headers["content-type"].split(";")[0]) == (200, "text/plain")
    assert "myshopify" not in reply.text
    found = samples(reply.text)
    assert found["scheduler_up", ()] == 1
    assert found["workers_busy", ()] == 3
    assert found["clock_offset_seconds", ()] == 0.5
    assert found["check_last_good_timestamp_seconds", ()] == desk.clock().timestamp()
    assert found["check_over_limit_shops", ()] == 2
    assert found["shops_overdue", ()] == 1
    assert found["shops_blocked", ("frozen",)] == 1
    assert found["alerts_open", ("ticket",)] == 2
    assert found["objective_good_total", ("sync_success",)] == 4
    assert found["objective_judged_total", ("sync_success",)] == 4
    assert found["objective_good_total", ("sweep_success",)] == 12
    assert found["objective_target_ratio", ("pick_up",)] == 1
    assert found["database_up", ()] == 1


def test_names_keep_prometheus_conventions(desk: Desk, burning: None) -> None:
    families = list(text_string_to_metric_families(local(desk).get("/metrics").text))

    for family in families:
        assert family.documentation, family.name
        assert family.name.startswith(("shopsync_", "process_")), family.name
        if family.type == "counter":
            assert all(sample.name.endswith("_total") for sample in family.samples)
    labels = {name for family in families for sample in family.samples for name in sample.labels}
    assert labels == {"version", "role", "severity", "reason", "objective"}


def test_an_empty_installation_is_valid_too(desk: Desk) -> None:
    found = samples(local(desk).get("/metrics").text)

    assert found["shops_installed", ()] == 0
    assert ("check_last_timestamp_seconds", ()) not in found


def test_open_metrics_are_spoken_to_who_asks_for_them(desk: Desk) -> None:
    reply = local(desk).get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})

    assert reply.headers["content-type"].startswith("application/openmetrics-text")
    assert reply.text.endswith("# EOF\n")


OUTSIDE: dict[str, dict[str, object]] = {
    "another machine": {"client": ("10.0.0.7", 50_000)},
    "another name": {"base_url": "http://sync.example.com"},
    "no peer": {"client": ("testclient", 50_000)},
    "a proxy": {"headers": {"X-Forwarded-For": "127.0.0.1"}},
    "a proxy of the standard": {"headers": {"Forwarded": "for=127.0.0.1"}},
    "a proxy that names the caller": {"headers": {"X-Real-IP": "127.0.0.1"}},
    "a proxy that names itself": {"headers": {"Via": "1.1 proxy"}},
}


@pytest.mark.parametrize("path", ["/metrics", "/badge/pick_up.svg"])
@pytest.mark.parametrize("who", OUTSIDE)
def test_from_outside_loopback_the_token_is_asked_for(desk: Desk, path: str, who: str) -> None:
    client = local(desk, **OUTSIDE[who])

    without, wrong = client.get(path), client.get(path, headers={"Authorization": "Bearer wrong"})
    known = client.get(path, headers=READ)

    assert (without.status_code, wrong.status_code, known.status_code) == (401, 401, 200)
    assert without.json() == {"error": "Unauthorized"}


def test_a_proxy_that_says_nothing_is_known_by_its_old_protocol(desk: Desk) -> None:
    app = create_app(Door(lambda: desk))

    async def old(scope, receive, send) -> None:
        await app(scope | {"http_version": "1.0"}, receive, send)

    old.state = app.state  # type: ignore[attr-defined]

    assert TestClient(old, **LOCAL).get("/metrics").status_code == 401


def test_without_the_setting_the_route_is_closed_to_the_outside_only(desk: Desk, make_settings: MakeSettings) -> None:
    unset = replace(desk, settings=make_settings(read_api_token=None, database_url=desk.settings.database_url))

    outside = local(unset, client=("10.0.0.7", 50_000)).get("/metrics", headers=READ)

    assert (outside.status_code, outside.json()) == (500, {"error": "READ_API_TOKEN not configured"})
    assert local(unset).get("/metrics").status_code == 200


def test_a_database_that_is_away_is_a_figure(desk: Desk, make_settings: MakeSettings) -> None:
    nowhere = make_settings(database_url="postgresql://nobody:secret@127.0.0.1:1/none")
    away = replace(desk, database=open_database(nowhere, host_clock=desk.clock))

    reply = local(away).get("/metrics")

    assert reply.status_code == 200
    assert samples(reply.text)["database_up", ()] == 0


def test_scrapes_of_some_seconds_share_one_look_at_the_database(desk: Desk, clock: Clock, burning: None) -> None:
    client, asked = local(desk), []
    client.get("/metrics")
    event.listen(desk.database.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))

    for _ in range(20):
        client.get("/metrics")
    shared = len(asked)
    clock.advance(seconds=5)
    client.get("/metrics")

    assert shared == 0
    assert asked


@pytest.fixture
def picture(desk: Desk) -> Callable[[str], str]:
    return lambda objective: local(desk).get(f"/badge/{objective}.svg").text


def test_a_badge_says_what_overview_says(burning: None, picture: Callable[[str], str]) -> None:
    assert "<title>Success rate: 4 of 4</title>" in picture("sync_success")
    assert "<title>Pick-up rate: 4 of 4</title>" in picture("pick_up")
    assert "<title>Time to sync: mean 1 min 32 s of 4</title>" in picture("time_to_sync")
    assert "<title>Sweep success: 12 of 12</title>" in picture("sweep_success")


def test_a_badge_without_data_is_grey_and_says_so(picture: Callable[[str], str]) -> None:
    drawn = picture("sync_success")

    assert "no data" in drawn
    assert "#5f6368" in drawn


def test_a_badge_of_no_objective_is_not_found(desk: Desk) -> None:
    reply = local(desk).get("/badge/happiness.svg")

    assert reply.status_code == 404
    assert "pick_up" in reply.json()["error"]
