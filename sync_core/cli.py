"""The `shopsync` command."""

from __future__ import annotations

import secrets as random_secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from sync_core import (
    chores,
    dispatch,
    health,
    install,
    lifecycle,
    maintenance,
    retention,
    rollup,
    rotation,
    schema,
    sweep,
)
from sync_core import doctor as doctor_checks
from sync_core.config import load_settings
from sync_core.credentials import TokenPair
from sync_core.errors import ShopsyncError, UnknownShop
from sync_core.explain import explain
from sync_core.heartbeat import Heart, Process
from sync_core.lifecycle import Answer
from sync_core.models import Audit, ShopSync, SyncAttempt
from sync_core.process import configure_logs, open_tools, spare_the_collector, stop_on_signals, wait_for_database
from sync_core.runner import Tools
from sync_core.shopify.domains import shop_domain
from sync_core.states import Mode, Outcome, Status, Trigger
from sync_core.vault import new_key

app = typer.Typer(
    help="Every installed shop gets synced, and you see it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out = Console(markup=False, emoji=False)
"""What a merchant or Shopify wrote is printed as it is: `[/x]` in a shop's name is no markup."""

WINDOWS = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30), "90d": timedelta(days=90)}

ShopArgument = Annotated[str, typer.Argument(metavar="SHOP", help="the shop's domain or id")]
Port = Annotated[int, typer.Option("--port", min=1, max=65_535, help="the port to serve on")]
JsonOption = Annotated[bool, typer.Option("--json", help="print JSON")]


def host_clock() -> datetime:
    """This host's clock, UTC."""
    return datetime.now(UTC)


@contextmanager
def _told() -> Iterator[None]:
    """An error of ours is one clear line, never a stack trace."""
    try:
        yield
    except ShopsyncError as error:
        _fail(str(error))
    except SQLAlchemyError as error:
        _fail(f"the database does not answer ({type(error).__name__}): check DATABASE_URL, then shopsync doctor")


def _fail(message: str, *, code: int = 1) -> None:
    typer.echo(f"shopsync: {message}", err=True)
    raise typer.Exit(code)


@contextmanager
def _opened(*, checked: bool = True) -> Iterator[Tools]:
    """The tools of this process, on a database whose schema is known."""
    with _told():
        settings = load_settings()
        configure_logs(settings)
        tools = open_tools(settings, host_clock=host_clock)
        if checked:
            schema.check(tools.database)
        yield tools


@app.command()
def init() -> None:
    """Create or migrate the database."""
    with _told():
        applied = schema.prepare(load_settings())
    out.print(f"Applied {', '.join(applied)}." if applied else "The database is up to date.")


@app.command()
def secrets() -> None:
    """Print fresh lines for .env."""
    for name in ("CRON_SECRET", "INTERNAL_API_SECRET", "READ_API_TOKEN"):
        typer.echo(f"{name}={random_secrets.token_urlsafe(32)}")
    typer.echo(f"TOKEN_KEYS={new_key()}")


@app.command()
def doctor(*, as_json: JsonOption = False) -> None:
    """Check everything, live, and say the mend; exit 1 when something is wrong."""
    with _opened(checked=False) as tools:
        checks = []
        for check in doctor_checks.examine(tools.database, tools.settings, http=tools.http):
            checks.append(check)
            if not as_json:
                _print_check(check)
    if as_json:
        typer.echo(orjson.dumps([check.as_json() for check in checks]))
    if not all(check.ok for check in checks):
        raise typer.Exit(1)


def _print_check(check: doctor_checks.Check) -> None:
    mark = ("ok  ", "green") if check.ok else ("BAD ", "red")
    out.print(Text.assemble(mark, f" {check.name}: {check.found}", "" if check.ok else f"\n     -> {check.mend}"))


@app.command("sweep")
def sweep_now() -> None:
    """Run one tick of the safety net now."""
    with _opened() as tools:
        report = sweep.tick(tools.database, by="cli", settings=tools.settings, vault=tools.vault)
    found = f"{report.due} due, {report.opened} requested, {report.joined} already requested or running"
    out.print(f"{found}, {report.adopted} adopted.")


@app.command("rollup")
def rollup_hours(
    *, rebuild: Annotated[bool, typer.Option("--rebuild", help="count every hour again whose rows are there")] = False
) -> None:
    """Count the hours that have closed, as the scheduler does each minute."""
    with _opened() as tools:
        count = rollup.rebuild if rebuild else rollup.roll_up
        hours = count(tools.database, tools.settings)
    out.print(f"{hours:,} hours counted.")


@app.command("retention")
def delete_old() -> None:
    """Delete what is old, as the scheduler does once a day."""
    with _opened() as tools:
        with tools.database.read() as session:
            now = tools.database.now(session)
        deleted = retention.sweep_out(tools.database, tools.settings, now=now)
    out.print(", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in deleted.items()) + " deleted.")


@app.command()
def trigger(
    shop: ShopArgument,
    *,
    wait: Annotated[bool, typer.Option("--wait", help="wait for the end, with a progress bar")] = False,
    reason: Annotated[str | None, typer.Option(help="why, for the timeline")] = None,
    everything: Annotated[bool, typer.Option("--everything", help="read everything again")] = False,
) -> None:
    """Ask for a sync of SHOP; exit 1 when it is refused, or when it was waited for and failed."""
    mode = Mode.EVERYTHING if everything else Mode.CHANGES
    with _opened() as tools:
        with tools.database.write() as session:
            now = tools.database.now(session)
            shop_id = _shop_id(session, shop)
            asked = lifecycle.request(
                session, shop_id, trigger=Trigger.CLI, now=now, actor="cli", reason=reason, mode=mode
            )
            dispatch.announce(session, shop_id, now=now, settings=tools.settings)
            detail = {"answer": asked.answer.value}
            session.add(
                Audit(at=now, actor="cli", act="sync", shop_id=shop_id, reason=reason, origin="cli", detail=detail)
            )
        if asked.answer is Answer.REFUSED:
            _fail(asked.why)
        out.print(f"{asked.shop_domain}: {asked.why}.")
        if wait and asked.attempt_id:
            _wait(tools, asked.attempt_id)


def _wait(tools: Tools, attempt_id: str) -> None:
    """Show the attempt until it ends; a successor (its worker died) is followed."""
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,}/{task.total:,}")
    with Progress(*columns, TimeElapsedColumn(), console=out) as bar:
        task = bar.add_task("waiting for a worker", total=1)
        while (attempt := _attempt(tools, attempt_id)).outcome is None or _goes_on(attempt):
            attempt_id = attempt.id
            _show(bar, task, attempt)
            time.sleep(0.5)
    if attempt.outcome != Outcome.COMPLETED:
        _fail(f"{attempt.outcome}: {attempt.error_message or 'see shopsync shop'}")
    out.print("Completed.")


def _show(bar: Progress, task: Any, attempt: SyncAttempt) -> None:
    legs = attempt.progress.values()
    total = sum(leg["total"] or 0 for leg in legs)
    if total:
        current = next((name for name, leg in attempt.progress.items() if not leg["ended"]), "finishing")
        bar.update(task, description=current, total=total, completed=sum(leg["done"] for leg in legs))


def _goes_on(attempt: SyncAttempt) -> bool:
    return attempt.outcome in (Outcome.ORPHANED, Outcome.RELEASED, Outcome.STOLEN)


def _attempt(tools: Tools, attempt_id: str) -> SyncAttempt:
    """The attempt, or the newest of its shop once it was handed on."""
    with tools.database.read() as session:
        attempt = session.get_one(SyncAttempt, attempt_id)
        if not _goes_on(attempt):
            return attempt
        mine = select(SyncAttempt).where(SyncAttempt.shop_id == attempt.shop_id)
        return (
            session.execute(mine.order_by(SyncAttempt.requested_at.desc(), SyncAttempt.id.desc())).scalars().first()
            or attempt
        )


@app.command()
def shops(
    *,
    text: Annotated[str, typer.Argument(help="part of a name, domain, e-mail or id")] = "",
    status: Annotated[Status | None, typer.Option(help="only this status")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="how many")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List shops."""
    with _opened() as tools, tools.database.read() as session:
        now = tools.database.now(session)
        page = health.search(session, now=now, text=text, status=status, limit=limit)
    if as_json:
        rows = [{"domain": r.domain, "name": r.name, "status": r.status, "hold": r.hold} for r in page.rows]
        typer.echo(orjson.dumps({"shops": rows, "total": page.total, "capped": page.capped}))
        return
    table = Table("shop", "name", "status", "since", "last sync")
    for row in page.rows:
        state = f"{row.status} ({row.hold})" if row.hold else row.status
        table.add_row(row.domain, row.name, state, _when(row.since), _when(row.last_synced_at))
    out.print(table)
    out.print(f"{len(page.rows)} of {page.total:,}{'+' if page.capped else ''}")


def _when(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}Z" if moment else "never"


@app.command()
def shop(shop: ShopArgument) -> None:
    """Say why SHOP is where it is and what happens next."""
    with _opened() as tools, tools.database.read() as session:
        now = tools.database.now(session)
        view = health.shop(session, domain=shop, now=now, settings=tools.settings)
    if view is None:
        _fail("Shop not found")
        return
    said = explain(view.situation, say=_when)
    out.print(Text.assemble((view.name, "bold"), f" · {view.domain}\n{said.headline}\n"))
    out.print(f"Now   {said.now}\nWhy   {said.why}\nNext  {said.next}\n\n{said.chip}")


@app.command("health")
def health_figures(
    window: Annotated[str, typer.Option(help="24h, 7d, 30d or 90d")] = "7d",
    *,
    by: Annotated[health.Step | None, typer.Option(help="with --json: how it went by hour or by day, UTC")] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the four objectives of a window."""
    span = WINDOWS.get(window)
    if span is None:
        _fail(f"--window is {window!r}: expected one of {', '.join(WINDOWS)}", code=2)
        return
    with _opened() as tools, tools.database.read() as session:
        now = tools.database.now(session)
        found = health.report(session, since=now - span, until=now, now=now, settings=tools.settings, step=by)
    if as_json:
        typer.echo(orjson.dumps(found))
        return
    table = Table("objective", "good", "of", "verdict")
    for name, figure in found["objectives"].items():
        table.add_row(name, str(figure.get("k", figure.get("mean"))), str(figure["n"]), figure["verdict"])
    out.print(table)


@app.command("install")
def install_shop(
    shop: ShopArgument,
    token: Annotated[str, typer.Option(help="a custom app's Admin token; asked for when left out")] = "",
) -> None:
    """Install SHOP with a custom app's token, without OAuth."""
    token = token or typer.prompt("Admin API access token", hide_input=True)
    with _opened() as tools:
        domain = shop_domain(shop)
        with tools.database.write() as session:
            now = tools.database.now(session)
            pair = TokenPair(token, scopes=tools.settings.shopify_scopes)
            own: dict[str, Any] = {"settings": tools.settings, "vault": tools.vault, "who": "cli"}
            done = install.register(session, domain=domain, pair=pair, authorised_at=now, now=now, **own)
            session.add(Audit(at=now, actor="cli", act="install", shop_id=done.shop_id, origin="cli", detail={}))
    out.print(f"{domain} is {done.kind}; its first sync starts by itself.")


@app.command("maintenance")
def announce(
    hours: Annotated[float, typer.Option("--for", help="hours from now on, or from --from on")] = 0,
    begin: Annotated[datetime | None, typer.Option("--from", help="when it begins, UTC")] = None,
    reason: Annotated[str, typer.Option(help="shown on the pages")] = "",
    *,
    stop: Annotated[bool, typer.Option("--end", help="end it now, and take back what was planned")] = False,
) -> None:
    """Announce a time in which no safety check is expected; alone: what is announced."""
    with _opened() as tools, tools.database.write() as session:
        now = tools.database.now(session)
        if stop:
            out.print(f"{maintenance.end(session, by='cli', now=now, origin='cli')} ended.")
        elif hours:
            since, length = begin.replace(tzinfo=UTC) if begin else now, timedelta(hours=hours)
            own: dict[str, Any] = {"by": "cli", "reason": reason, "now": now, "origin": "cli"}
            maintenance.declare(session, since=since, length=length, **own)
        planned = maintenance.within(session, now, now + timedelta(days=365))
    for each in planned:
        out.print(f"{_when(each.since)} to {_when(each.until)}: {each.reason} ({each.by})")
    if not planned and not stop:
        out.print("No maintenance is announced.")


@app.command("rotate-keys")
def rotate_keys() -> None:
    """Seal every stored token with the first of TOKEN_KEYS; may be stopped and run again."""
    done = rotation.Rotated()
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,}/{task.total:,}")
    with _opened() as tools, Progress(*columns, TimeElapsedColumn(), console=out) as bar:
        task = bar.add_task("tokens", total=rotation.count(tools.database))
        for done in rotation.rotate(tools.database, tools.vault):
            bar.update(task, completed=done.seen)
    out.print(f"{done.seen:,} tokens, {done.sealed:,} of them sealed anew.")
    if done.unreadable:
        some = ", ".join(done.unreadable[:5])
        _fail(f"{len(done.unreadable):,} tokens are opened by none of TOKEN_KEYS: keep the old keys ({some})")


@app.command()
def worker() -> None:
    """Run syncs and work Shopify's messages, without the sweep, until SIGTERM."""
    with _opened(checked=False) as tools:
        stopping = stop_on_signals()
        wait_for_database(tools.database, stopping)
        process = Process("worker", tools.settings.workers)
        loop = dispatch.for_worker(tools, owner=process.name)
        heart = Heart(tools.database, process, loop.doing)
        heart.start()
        spare_the_collector()
        beside = chores.begin(tools, stopping)
        loop.run(stopping)
        for thread in beside:
            thread.join()
        heart.stop()


@app.command()
def dashboard(port: Port = 8501, host: str = "127.0.0.1") -> None:
    """Serve the pages and the HTTP API on one port."""
    _serve("dashboard.server:app", host, port)


@app.command()
def api(port: Port = 8502, host: str = "127.0.0.1") -> None:
    """Serve the HTTP API alone (for the internet)."""
    _serve("dashboard.api:app", host, port)


def _serve(target: str, host: str, port: int) -> None:
    import uvicorn

    with _told():
        configure_logs(load_settings())
    # no access log: the addresses of OAuth carry codes
    uvicorn.run(target, host=host, port=port, access_log=False, log_level="warning", timeout_graceful_shutdown=10)


@app.command()
def sandbox(
    port: Port = 9292,
    *,
    sizes: str = "mixed",
    latency_ms: float = 0.0,
    products: int | None = None,
    state: str | None = None,
    webhook_url: str | None = None,
    catalogue: Annotated[list[str] | None, typer.Option(metavar="DOMAIN=PATH.csv")] = None,
) -> None:
    """Play Shopify on loopback, for trying out and for tests."""
    from sync_core.sandbox.config import BadOption, load_config
    from sync_core.sandbox.server import serve

    options: dict[str, Any] = {"sizes": sizes, "latency_ms": latency_ms, "products": products, "state": state}
    try:
        config = load_config(catalogue=catalogue or (), webhook_url=webhook_url, **options)
    except BadOption as error:
        _fail(str(error), code=2)
        return
    serve(config, port)


@app.command()
def demo(
    port: Port = 8501, *, fresh: Annotated[bool, typer.Option("--fresh", help="forget the last demo")] = False
) -> None:
    """Show the product alive: sandbox, scheduler, dashboard, shops arriving. Ctrl-C ends all of it."""
    from sync_core.demo.supervisor import show

    with _told():
        sys.exit(show(port=port, fresh=fresh, host_clock=host_clock))


def _shop_id(session: Any, text: str) -> str:
    by = (ShopSync.shop_id == text) | (ShopSync.shop_domain == text.strip().lower())
    found: str | None = session.execute(select(ShopSync.shop_id).where(by)).scalar_one_or_none()
    if found is None:
        raise UnknownShop("Shop not found")
    return found


if __name__ == "__main__":
    app()
