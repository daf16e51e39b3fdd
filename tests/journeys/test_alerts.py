"""The scheduler is killed: said in words, counted, told once; told once more when it is back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from sync_core import health
from sync_core.alerts.watch import Watch
from sync_core.db import open_database
from sync_core.health import Objectives
from tests.alerts.conftest import Webhook, receiving
from tests.conftest import MakeSettings
from tests.health_rows import Rows
from tests.journeys.conftest import MakeSandbox, MakeStage
from tests.journeys.merchants import install_shops
from tests.journeys.processes import Stage, eventually, free_port

PERIOD = 5
SILENT = "[test] ACT: The safety check does not run"
BACK = "[test] Recovered: The safety check does not run"
STORM = 20


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with receiving() as one:
        yield one


@pytest.fixture
def switch() -> Iterator[Webhook]:
    """Somebody else's dead man's switch."""
    with receiving() as one:
        yield one


def overview(stage: Stage) -> Callable[[], str]:
    """The sentence at the top of the Overview, as of now."""
    database = stage.database()

    def sentence() -> str:
        with database.read() as session:
            fleet = health.fleet(session, now=database.now(session), settings=stage.settings)
        return health.verdict(fleet, say=lambda moment: f"{moment:%H:%M}").text

    return sentence


def objective(stage: Stage) -> Callable[[], tuple[int, int]]:
    """(good, expected) checks of the last ten minutes."""
    database = stage.database()

    def counts() -> tuple[int, int]:
        with database.read() as session:
            now = database.now(session)
            span = {"since": now - timedelta(minutes=10), "until": now, "now": now}
            found: Objectives = health.objectives(session, **span, settings=stage.settings)
        share = found.sweep_success.all
        return share.k, share.n

    return counts


@pytest.mark.journey
@pytest.mark.timeout(300)
def test_a_killed_scheduler_is_said_counted_and_told_once_and_its_return_too(
    make_sandbox: MakeSandbox, make_stage: MakeStage, webhook: Webhook, switch: Webhook
) -> None:
    sandbox = make_sandbox(products=3, customers=0, orders=0)
    told = {"ALERT_URLS_PAGE": webhook.url, "HEALTHCHECK_PING_URL": f"http://127.0.0.1:{switch.port}/planted-secret"}
    stage = make_stage(sandbox, SWEEP_PERIOD_SECONDS=str(PERIOD), **told)
    install_shops(stage, sandbox, ["one.myshopify.com"], ago=timedelta(seconds=20))
    say, count = overview(stage), objective(stage)
    judges = [free_port(), free_port()]
    for port in judges:
        stage.start(f"api-{port}", "-m", "sync_core.cli", "api", "--port", str(port))
    stage.scheduler()
    eventually(lambda: count()[0] >= 2 and len(switch.got) >= 2, "checks run, and the dead man's switch hears of them")

    stage.kill("scheduler")
    heard = len(switch.got)

    took = eventually(lambda: say().startswith("The safety check has not run since"), "Overview says so")
    assert took <= 2 * PERIOD + 2
    eventually(lambda: webhook.titles == [SILENT], "the alert arrives")
    good, expected = count()
    eventually(lambda: count()[1] >= expected + 2, "more checks are missed")
    assert (count()[0], len(switch.got)) == (good, heard)
    assert webhook.titles == [SILENT]
    assert "python scheduler.py" in webhook.got[0]["message"]
    assert webhook.got[0]["message"].endswith("http://127.0.0.1:8501/system")

    stage.scheduler("scheduler-again")

    eventually(lambda: webhook.titles == [SILENT, BACK], "the recovery arrives")
    eventually(lambda: say() == "The one shop is fine.", "Overview is calm again")
    eventually(lambda: count()[0] >= good + 2 and len(switch.got) > heard, "checks run again")
    assert webhook.titles == [SILENT, BACK]
    assert "planted-secret" not in stage.logs()


def test_twenty_processes_that_restart_at_once_tell_each_change_once(
    make_settings: MakeSettings, database_url: str, webhook: Webhook
) -> None:
    settings = make_settings(database_url=database_url, alert_urls_page=webhook.url)
    databases = [open_database(settings, host_clock=lambda: datetime.now(UTC)) for _ in range(STORM)]
    with databases[0].write() as session:
        Rows(session, datetime.now(UTC)).sweep(datetime.now(UTC) - timedelta(minutes=11))

    def restart_all() -> None:
        together = Barrier(STORM)

        def look(nth: int) -> None:
            together.wait()
            Watch(databases[nth], settings).look()

        with ThreadPoolExecutor(STORM) as pool:
            list(pool.map(look, range(STORM)))

    restart_all()
    restart_all()
    with databases[0].write() as session:
        Rows(session, datetime.now(UTC)).sweep(datetime.now(UTC))
    restart_all()
    restart_all()

    for database in databases:
        database.close()
    assert webhook.titles == [SILENT, BACK]
