"""Every check of a troubleshooting guide, live, each with the mend."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta

import httpx
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from sync_core import health, inbox, schema
from sync_core.alerts.judge import CLOCK_SECONDS
from sync_core.alerts.lists import undelivered
from sync_core.config import Settings, Webhooks
from sync_core.db import Database
from sync_core.errors import SchemaMismatch, Unavailable
from sync_core.explain import span
from sync_core.health.conditions import CAP, capped_count, is_overdue
from sync_core.health.shop import DYING
from sync_core.models import Heartbeat, ShopSync, Token, WebhookCheck
from sync_core.shopify.domains import shop_url
from sync_core.states import Hold
from sync_core.subscriptions import address_of

SECRETS = {
    "shopify_api_key": "set SHOPIFY_API_KEY to the app's client id; without it nobody can install",
    "shopify_api_secret": "set SHOPIFY_API_SECRET to the app's client secret; without it nobody can install",
    "cron_secret": "set CRON_SECRET (shopsync secrets); until then /api/cron/sync-pending is closed",
    "internal_api_secret": "set INTERNAL_API_SECRET (shopsync secrets); until then /api/sync/trigger is closed",
    "read_api_token": "set READ_API_TOKEN (shopsync secrets); until then the read routes are closed",
}
INBOX_PATIENCE = timedelta(minutes=30)
"""A message waits while its shop is being synced, or fails."""
PATIENCE = 10.0
"""Seconds that one check waits for the database."""
SOME = 3
ANY_SHOP = "shopsync-doctor.myshopify.com"


@dataclass(frozen=True)
class Check:
    """One finding. `mend` says what to do when it is not ok."""

    name: str
    ok: bool
    found: str
    mend: str = ""

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def examine(database: Database, settings: Settings, *, http: httpx.Client) -> Iterator[Check]:
    """Yield each check as it is made; what needs the database is left out when it does not answer.

    Errors: TooSlow, database errors of one that went away meanwhile.
    """
    found = _database(database)
    yield found
    if found.ok:
        known = _schema(database)
        yield known
        if known.ok:
            yield from _processes(database)
            yield _overdue(database)
            yield _inbox(database)
            yield _subscriptions(database, settings)
            yield _tokens(database)
            yield _alerts(database, settings)
    yield from _secrets(settings)
    yield _shopify(settings, http)


def _database(database: Database) -> Check:
    begun = time.perf_counter()
    try:
        with database.read() as session:
            session.execute(select(1))
    except SQLAlchemyError as error:
        return Check("database", False, type(error).__name__, "start it, or correct DATABASE_URL")
    return Check("database", True, f"answers in {(time.perf_counter() - begun) * 1000:.0f} ms")


def _schema(database: Database) -> Check:
    try:
        schema.check(database)
    except SchemaMismatch as error:
        return Check("schema", False, str(error), "shopsync init")
    return Check("schema", True, "current")


def _processes(database: Database) -> Iterator[Check]:
    with database.look(patience=PATIENCE) as (session, now):
        seen = session.execute(select(func.max(Heartbeat.seen_at)).where(Heartbeat.role == "scheduler")).scalar_one()
        living = [process for process in health.heartbeats(session, now=now) if process.alive]
    yield _scheduler(living, None if seen is None else (now - seen).total_seconds())
    workers = sum(process.workers for process in living)
    yield Check("workers", workers > 0, f"{workers} alive", "start one: python scheduler.py, or shopsync worker")
    offset = max((process.clock_offset for process in living), key=abs, default=0.0)
    found = f"at most {abs(offset):.1f} s beside the database's"
    yield Check("clocks", abs(offset) <= CLOCK_SECONDS, found, "start time synchronisation (NTP) on each host")


def _scheduler(living: list[health.Process], age: float | None) -> Check:
    if age is None:
        return Check("scheduler", False, "no sign of life yet", "python scheduler.py")
    alive = any(process.role == "scheduler" for process in living)
    return Check("scheduler", alive, f"last sign of life {span(age)} ago", "start it again: python scheduler.py")


def _overdue(database: Database) -> Check:
    with database.look(patience=PATIENCE) as (session, now):
        n = capped_count(session, is_overdue(now))
    found = f"{min(n, CAP):,}{'+' if n > CAP else ''} overdue"
    return Check("overdue shops", n == 0, found, "see the Overview page: who needs you")


def _alerts(database: Database, settings: Settings) -> Check:
    """An unset channel is said; only one that refuses is a fault."""
    with database.look(patience=PATIENCE) as (session, now):
        failing = undelivered(session, now=now)
    unset = [name for name in ("ALERT_URLS_PAGE", "ALERT_URLS_TICKET") if getattr(settings, name.lower()) is None]
    found = f"{failing} not delivered" if failing else f"{' and '.join(unset)} not set" if unset else "delivered"
    return Check("alert messages", failing == 0, found, "see the Alerts page for what the channel answered")


def _inbox(database: Database) -> Check:
    with database.look(patience=PATIENCE) as (session, now):
        found = inbox.standing(session)
    said = f"{found.waiting} waiting, {found.set_aside} set aside"
    late = found.since is not None and now - found.since > INBOX_PATIENCE
    if late and found.since is not None:
        said += f"; the oldest came {(now - found.since).total_seconds() / 60:.0f} min ago"
    mend = "the log says why (inbox.set_aside); what the law asks for has 30 days"
    return Check("messages from Shopify", not late and found.set_aside == 0, said, mend)


def _subscriptions(database: Database, settings: Settings) -> Check:
    name = "webhook subscriptions"
    if address_of(settings) is None:
        why = "WEBHOOKS=app" if settings.webhooks is Webhooks.APP else "APP_URL is not https"
        return Check(name, True, f"not looked after: {why}")
    lacking = select(ShopSync.shop_domain).join(WebhookCheck, WebhookCheck.shop_id == ShopSync.shop_id)
    lacking = lacking.where(WebhookCheck.problem.is_not(None), ShopSync.hold.is_distinct_from(Hold.UNINSTALLED.value))
    with database.look(patience=PATIENCE) as (session, _now):
        looked_at = session.execute(select(func.count()).select_from(WebhookCheck)).scalar_one()
        some = list(session.execute(lacking.order_by(ShopSync.shop_domain).limit(SOME + 1)).scalars())
    found = f"of {looked_at:,} shops looked at, {_named(some)} lack some"
    return Check(name, not some, found, "the Shop page says which, and why; the next sync tries again")


def _tokens(database: Database) -> Check:
    """Tokens that a month of tries did not renew; a shop that waits for its merchant is told elsewhere."""
    with database.look(patience=PATIENCE) as (session, now):
        near = Token.refresh_expires_at < now + DYING
        ended = ShopSync.hold.in_([Hold.UNINSTALLED.value, Hold.REAUTHORISE.value])
        dying = select(ShopSync.shop_domain).join(Token, Token.shop_id == ShopSync.shop_id)
        dying = dying.where(near, ShopSync.hold.is_(None) | ~ended).order_by(Token.refresh_expires_at)
        some = list(session.execute(dying.limit(SOME + 1)).scalars())
    mend = "shopsync trigger SHOP renews it; the log says why it was not (tokens.later, tokens.refused)"
    return Check("access", not some, f"{_named(some)} die within {DYING.days} days", mend)


def _named(domains: list[str]) -> str:
    more = " and more" if len(domains) > SOME else ""
    return ", ".join(domains[:SOME]) + more if domains else "none"


def _secrets(settings: Settings) -> Iterator[Check]:
    for name, mend in SECRETS.items():
        is_set = getattr(settings, name) is not None
        yield Check(name.upper(), is_set, "set" if is_set else "not set", mend)


def _shopify(settings: Settings, http: httpx.Client) -> Check:
    """Any answer at all will do: nobody's token is used."""
    name = "sandbox" if settings.sandboxed else "Shopify"
    base = shop_url(ANY_SHOP, settings)
    try:
        status = http.get(f"{base}/admin/api/{settings.shopify_api_version}/graphql.json").status_code
    except (httpx.HTTPError, Unavailable) as error:
        mend = f"start it (shopsync {name})" if settings.sandboxed else "see whether this machine reaches the internet"
        return Check(name, False, f"does not answer: {type(error).__name__}", mend)
    return Check(name, True, f"reachable (HTTP {status})")
