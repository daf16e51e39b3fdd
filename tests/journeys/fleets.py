"""Fleets to look at: none, a dozen, a month's worth with trouble, fifty thousand; a living or a dead scheduler."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select

from sync_core import heartbeat, install
from sync_core.app_models import Shop
from sync_core.config import Settings
from sync_core.credentials import TokenPair
from sync_core.db import Database
from sync_core.demo import history
from sync_core.demo.history import Past, Shopify
from sync_core.demo.names import FIRST, SECOND
from sync_core.heartbeat import Doing, Process
from sync_core.models import Install, ShopProfile, ShopSync, Sweep, SyncAttempt
from sync_core.sweep import slot_of
from sync_core.vault import open_vault

PERIOD = 300.0
DAYS = 90
BEAT_SECONDS = 3.0


def a_month(
    database: Database, settings: Settings, *, shops: int, troubled: bool, ago: timedelta = timedelta(0)
) -> None:
    """A history by the product's own verbs, ending `ago`."""
    with database.write() as session:
        until = database.now(session) - ago
        rng = random.Random(7)
        shopify = Shopify(mint=lambda _: TokenPair("shpat_x"), sizes=lambda _: _sizes(rng))
        past = Past(session, until, settings, open_vault(settings), shopify, rng)
        history.write_month(past, shops=shops)
        if troubled:
            history.write_troubled(past)


def _sizes(rng: random.Random) -> dict[str, int]:
    n = rng.randint(20, 400)
    return {"products": n, "variants": n * 3, "customers": n * 2, "orders": n * 3}


def fifty_thousand(database: Database, *, shops: int = 50_000) -> None:
    """A big fleet, its rows put in at once: 90 days of installs, some failing, some blocked."""
    rng = random.Random(11)
    with database.write() as session:
        now = database.now(session)
        made = [_shop(number, now, rng) for number in range(shops)]
        for table in (Shop, ShopSync, Install, SyncAttempt, ShopProfile):
            session.execute(insert(table), [rows[table] for rows in made])
        session.execute(insert(Sweep), list(_checks(now, timedelta(0))))


def _shop(number: int, now: datetime, rng: random.Random) -> dict[Any, dict[str, Any]]:
    name = f"{rng.choice(FIRST)} {rng.choice(SECOND)} {number}"
    domain = f"{name.lower().replace(' ', '-')}.myshopify.com"
    installed_at = now - timedelta(seconds=rng.uniform(600, DAYS * 86_400))
    waited, took = rng.uniform(1, 12), min(1_500.0, rng.lognormvariate(4.2, 0.5))
    claimed_at, synced_at = (installed_at + timedelta(seconds=s) for s in (waited, waited + took))
    state = _state(rng, now, synced_at)
    shop_id, trigger = f"shop-{number:06}", "onboarding" if rng.random() < 0.86 else "wake"
    ended = {"outcome": "completed", "ended_at": synced_at}
    return {
        Shop: {"id": shop_id, "shop_domain": domain, "access_token": "", "scopes": "", "installed_at": installed_at}
        | {"sync_status": state["status"], "last_sync_at": synced_at},
        ShopSync: {
            "shop_id": shop_id,
            "shop_domain": domain,
            "installed_at": installed_at,
            "first_synced_at": synced_at,
        }
        | {"authorised_at": installed_at, "last_synced_at": synced_at, "fence": 1, **state},
        Install: {"shop_id": shop_id, "generation": 1, "installed_at": installed_at, "first_synced_at": synced_at}
        | {"pickup_deadline": installed_at + timedelta(minutes=13), "first_claimed_at": claimed_at, "path": trigger}
        | {"success_deadline": installed_at + timedelta(days=1)},
        SyncAttempt: {"shop_id": shop_id, "generation": 1, "fence": 1, "number": 1, "trigger": trigger, **ended}
        | {"requested_at": installed_at, "claimed_at": claimed_at, "taken_by": "scheduler@host:1"},
        ShopProfile: {"shop_id": shop_id, "name": name, "name_folded": name.casefold(), "updated_at": synced_at},
    }


def _state(rng: random.Random, now: datetime, synced_at: datetime) -> dict[str, Any]:
    """Mostly up to date; a few blocked, a few that try again."""
    lot = rng.random()
    state: dict[str, Any] = {"status": "COMPLETED", "since": synced_at, "hold": None, "failures": 0, "attention": False}
    state |= {"failing_since": None, "error_class": None, "error_message": None, "due_at": None, "wake_at": None}
    since = now - timedelta(seconds=rng.uniform(60, 7_000))
    if lot < 0.0003:
        return state | {"status": "FAILED", "hold": "reauthorise", "since": since, "error_class": "reauthorise"}
    if lot < 0.0006:
        due = now + timedelta(seconds=rng.uniform(30, 280))
        trouble = {"error_class": "unavailable", "error_message": "Shopify answered 503 on products, page 2"}
        state |= {"status": "FAILED", "since": since, "failing_since": since, "failures": 3, **trouble}
        return state | {"due_at": due, "wake_at": due}
    return state


def _checks(now: datetime, ago: timedelta) -> Iterator[dict[str, Any]]:
    """One good check in each slot of the window, up to `ago`."""
    last = slot_of(now - ago, PERIOD)
    for slot in range(last - int(DAYS * 86_400 / PERIOD), last + 1):
        begun = now - timedelta(seconds=now.timestamp() - slot * PERIOD - 0.4)
        row = {"slot": slot, "period_seconds": PERIOD, "profile": "prompt", "by": "scheduler@host:1"}
        yield row | {"begun_at": begun, "ended_at": begun + timedelta(milliseconds=40)}


def wait_for_nobody(database: Database, settings: Settings, *, shops: int, ago: timedelta) -> None:
    """Installs of the time since then, started by nobody."""
    with database.write() as session:
        now = database.now(session)
        for nth in range(shops):
            at = now - ago * (shops - nth) / (shops + 1)
            own: dict[str, Any] = {"settings": settings, "vault": open_vault(settings)}
            domain = f"{FIRST[nth]}-{SECOND[-nth - 1]}-new.myshopify.com".lower()
            done = install.register(session, domain=domain, pair=TokenPair("shpat_x"), authorised_at=at, now=at, **own)
            name = history.name_of(domain)
            session.add(ShopProfile(shop_id=done.shop_id, name=name, name_folded=name.casefold(), updated_at=at))


def die(database: Database, *, ago: timedelta) -> None:
    """The scheduler's last sign of life was `ago`."""
    with database.write() as session:
        at = database.now(session) - ago
        process = Process("scheduler", 16, host="host", pid=1)
        heartbeat.beat(session, process, Doing(), now=at, started_at=at - timedelta(days=9), clock_offset=0)


@contextmanager
def living(database: Database) -> Iterator[None]:
    """Signs of life of a scheduler while the pictures are taken, and its checks."""
    stopping = threading.Event()

    def live() -> None:
        process = Process("scheduler", 16, host="host", pid=1)
        while True:
            with database.write() as session:
                now = database.now(session)
                slot = slot_of(now, PERIOD)
                if session.execute(select(Sweep.id).where(Sweep.slot == slot)).first() is None:
                    row = {"period_seconds": PERIOD, "profile": "prompt", "by": process.name, "ended_at": now}
                    session.add(Sweep(slot=slot, begun_at=now, **row))
                heartbeat.beat(session, process, Doing(), now=now, started_at=now, clock_offset=0)
            if stopping.wait(BEAT_SECONDS):
                return

    thread = threading.Thread(target=live, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
