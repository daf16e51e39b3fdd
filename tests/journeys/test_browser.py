"""Three journeys in a real browser over the product's real processes, on the pool and on the cluster."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy import text

from sync_core.db import Database
from sync_core.sandbox.config import SandboxConfig
from sync_core.sandbox.control import SandboxControl
from sync_core.sandbox.running import Running
from tests.journeys.browser import chromium, desktop
from tests.journeys.conftest import MakeStage
from tests.journeys.merchants import attempts, install_shops, statuses
from tests.journeys.processes import Stage, eventually, free_port

DOMAIN = "fern-pottery.myshopify.com"
SECONDS = 1000
VERIFICATION = 'SELECT "shopDomain", "syncStatus", "lastSyncAt" FROM "Shop" ORDER BY "installedAt" DESC LIMIT 1'

pytestmark = [pytest.mark.journey, pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(params=["pool", "procrastinate"])
def dispatcher(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def engine_name(dispatcher: str) -> str:
    """The cluster stands on PostgreSQL alone."""
    return "sqlite" if dispatcher == "pool" else "postgresql"


@pytest.fixture
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Page:
    return desktop(browser)


@pytest.fixture
def make_town(make_stage: MakeStage, dispatcher: str) -> Iterator[Callable[..., tuple[Stage, Running]]]:
    """The sandbox, the scheduler (and the cluster's worker) and the dashboard as processes, knowing each other."""
    controls: list[SandboxControl] = []

    def make(**environment: str) -> tuple[Stage, Running]:
        port, sandbox_port = free_port(), free_port()
        url = f"http://127.0.0.1:{sandbox_port}"
        controls.append(SandboxControl(url))
        sandbox = Running(url, controls[-1], SandboxConfig())
        stage = make_stage(sandbox, APP_URL=f"http://127.0.0.1:{port}", DISPATCH=dispatcher, **environment)
        sizes = ("--products", "1500", "--customers", "150", "--orders", "150", "--latency-ms", "1200")
        stage.start("sandbox", "-m", "sync_core.sandbox", "--port", str(sandbox_port), *sizes)
        stage.answering(f"{url}/_sandbox/healthz")
        if dispatcher == "procrastinate":
            stage.command("init")
            stage.worker()
        stage.scheduler()
        stage.dashboard(port)
        return stage, sandbox

    yield make
    for control in controls:
        control.close()


def authorise(page: Page, stage: Stage) -> None:
    """From the install link to the consent page."""
    page.goto(f"{stage.environment['APP_URL']}/auth?shop={DOMAIN}")
    expect(page.get_by_role("button", name="Install app")).to_be_visible(timeout=20 * SECONDS)


def close_at_the_redirect(page: Page) -> None:
    """Let the callback be served and go no further: the browser never asks for the onboarding page.

    A redirect's target cannot be intercepted, so Shopify's redirect to the callback becomes a page
    that leads there.
    """

    def lead(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        callback = route.fetch(max_redirects=0).headers["location"]
        body = f'<meta http-equiv="refresh" content="0;url={html.escape(callback)}">'
        route.fulfill(status=200, content_type="text/html", body=body)

    def serve_and_close(route: Route) -> None:
        route.fetch(max_redirects=0)
        route.abort()

    page.route("**/admin/oauth/authorize**", lead)
    page.route("**/auth/callback**", serve_and_close)


def verification(database: Database) -> tuple[str, str, bool]:
    """The original system's verification query: domain, status, whether a last sync is set."""
    with database.read() as session:
        domain, status, last = session.execute(text(VERIFICATION)).one()
    return domain, status, last is not None


def test_a_merchant_who_stays_sees_real_progress_and_counts_as_browser(
    page: Page, make_town: Callable[..., tuple[Stage, Running]]
) -> None:
    stage, _ = make_town()
    authorise(page, stage)

    page.get_by_role("button", name="Install app").click()
    bar = page.get_by_role("progressbar", name="Products")
    seen: list[int] = []

    def finished() -> bool:
        if bar.count():
            seen.append(int(bar.get_attribute("aria-valuenow") or 0))
        return page.get_by_text("Your shop is in sync").count() > 0

    eventually(finished, "in sync", seconds=90)

    moved = sorted(set(seen))
    assert seen == sorted(seen)
    assert len([share for share in moved if 0 < share < 100]) >= 2
    page.goto(stage.environment["APP_URL"])
    expect(page.get_by_text("1 install = 1 browser")).to_be_visible(timeout=30 * SECONDS)
    expect(page.get_by_role("heading", name="The one shop is fine.")).to_be_visible()


def test_a_merchant_whose_browser_closes_at_the_redirect_is_synced_by_the_sweep_alone(
    browser: Browser, page: Page, make_town: Callable[..., tuple[Stage, Running]]
) -> None:
    stage, _ = make_town(SWEEP_PROFILE="classic", SWEEP_PERIOD_SECONDS="5", SWEEP_GRACE_SECONDS="2")
    database = stage.database()
    authorise(page, stage)
    close_at_the_redirect(page)

    with page.expect_event("requestfailed", lambda request: "/auth/callback" in request.url):
        page.get_by_role("button", name="Install app").click(no_wait_after=True)
    page.context.close()
    eventually(lambda: statuses(database)["COMPLETED"] == 1, "completed", seconds=120)

    assert verification(database) == (DOMAIN, "COMPLETED", True)
    assert [attempt.trigger for attempt in attempts(database, DOMAIN)] == ["sweep"]
    overview = desktop(browser)
    overview.goto(stage.environment["APP_URL"])
    expect(overview.get_by_text("1 install = 1 safety check")).to_be_visible(timeout=30 * SECONDS)


def test_a_support_person_finds_a_failed_shop_reads_why_and_syncs_it(
    page: Page, make_town: Callable[..., tuple[Stage, Running]]
) -> None:
    stage, sandbox = make_town(RETRY_SECONDS="600")
    database = stage.database()
    sandbox.control.fault(DOMAIN, 503, operation="Products")
    install_shops(stage, sandbox, [DOMAIN, "other.myshopify.com"], ago=timedelta(minutes=4))
    eventually(lambda: statuses(database) == {"FAILED": 1, "COMPLETED": 1}, "one failed", seconds=120)
    sandbox.control.heal(DOMAIN)

    page.goto(stage.environment["APP_URL"])
    expect(page.get_by_role("button", name="Find a shop")).to_be_visible(timeout=30 * SECONDS)
    page.keyboard.press("Control+k")
    page.get_by_role("dialog").get_by_role("textbox").fill("pott")
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_role("link", name="Fern Pottery").click()
    expect(page.get_by_text("Shopify answered 503 on products").first).to_be_visible(timeout=30 * SECONDS)
    page.get_by_role("button", name="Sync now").click()
    expect(page.get_by_role("heading", name="Syncing now")).to_be_visible(timeout=30 * SECONDS)
    expect(page.get_by_role("heading", name="Up to date")).to_be_visible(timeout=90 * SECONDS)

    assert statuses(database) == {"COMPLETED": 2}
    assert [attempt.trigger for attempt in attempts(database, DOMAIN)][-1] == "manual"
