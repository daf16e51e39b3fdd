"""A simulated month of many shops with faults at every turn: `make simulate SEED=7`.

The same world and the same promises as the state machine's, driven by a seeded random choice: most
shops are left to workers, sweep and time, and some event or fault happens every few minutes. Once a
simulated day the faults stop, and every shop must come home.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from cryptography.fernet import Fernet

from sync_core.config import Settings, load_settings
from sync_core.db import open_database
from sync_core.errors import Held, NotFound, Throttled, Unavailable
from sync_core.schema import prepare
from sync_core.states import Hold, Mode, Profile, Status, Trigger
from tests.conftest import Clock, TimedDatabase
from tests.postgres import running_postgres
from tests.properties.ghosts import Broken, Merchant, Run
from tests.properties.world import World

START = datetime(2026, 3, 1, tzinfo=UTC)
CALM_EVERY = timedelta(days=1)
ERRORS: tuple[Callable[[], Exception], ...] = (
    lambda: Unavailable("503"),
    lambda: Throttled("429", retry_after=30),
    lambda: NotFound("404"),
    lambda: Held(Hold.FROZEN, "frozen"),
    lambda: Held(Hold.SCOPE, "scope"),
    lambda: KeyError("a bug"),
)


@dataclass
class Month:
    """One seeded run over a world; counts what happened."""

    world: World
    random: random.Random
    happened: Counter[str] = field(default_factory=Counter)

    def live(self, until: datetime) -> None:
        """Events, work and time until that moment; calm once a day. Errors: Broken."""
        world, calm = self.world, self.world.now + CALM_EVERY
        while world.now < until:
            self._event()
            self._round()
            pause = timedelta(seconds=self.random.expovariate(1 / 240))
            world.jump(min(max(world.next_due(), world.now + timedelta(seconds=1)), world.now + pause))
            if world.now >= calm:
                world.settle(rounds=30)
                calm = world.now + CALM_EVERY
                self.happened["calm"] += 1

    def _round(self) -> None:
        """What the processes do: a tick in a new slot, claims, each run a few writes further."""
        world = self.world
        if world.now >= self._next_tick:
            world.tick()
            self._next_tick = world.next_slot()
        if any(look.wake_at and look.wake_at <= world.now for look in world.looks.values()):
            world.claim(self.random.choice(("worker-1", "worker-2")), limit=self.random.choice((1, 4, 100)))
        for run in list(world.runs):
            if run in world.runs:
                self._write(run)

    _next_tick: datetime = START

    def _write(self, run: Run) -> None:
        world, chance = self.world, self.random.random()
        if chance < 0.04:
            world.crash(run)
        elif chance < 0.06:
            world.release(run, lives_on=self.random.random() < 0.5)
        elif chance < 0.12:
            world.fail(run, self.random.choice(ERRORS)())
        elif chance < 0.18:
            world.renew(run)
        elif chance < 0.19:
            world.stall(run)
        elif chance < 0.25:
            self.happened["pause"] += 1  # a worker that sleeps; when it is back its lease may be over
        elif run.live:
            world.carry(run)
        elif run.leg.ended:
            world.complete(run)
        else:
            world.page(run)

    def _event(self) -> None:
        """Something of the merchants', the app's, the staff's or Shopify's, or nothing."""
        merchant = self.random.choice(list(self.world.merchants.values()))
        known = self.world.look(merchant).known
        name = self.random.choice(("person", "other", "leaves", "app", "staff", "token", "dies", "notice", "grant"))
        if name != "grant" and (known or name == "dies") and self.random.random() < 0.5:
            getattr(self, f"_{name}")(merchant)
            self.happened[name] += 1
        elif merchant.grant is not None:
            self.world.callback(merchant)
            self.happened["callback"] += 1
        elif not known or not merchant.installed or self.random.random() < 0.05:
            self._arrives(merchant)

    def _arrives(self, merchant: Merchant) -> None:
        if self.world.look(merchant).id is None and self.random.random() < 0.3:
            status = self.random.choice(list(Status))
            ago = timedelta(days=self.random.choice((0, 9)))
            self.world.app_inserts(merchant, status, installed_ago=ago, gone=self.random.random() < 0.2)
        else:
            self.world.authorise(merchant, retires_old=self.random.random() < 0.5)

    def _person(self, merchant: Merchant) -> None:
        self.world.ask(merchant, self.random.choice((Trigger.MANUAL, Trigger.API)), self.random.choice(list(Mode)))

    def _other(self, merchant: Merchant) -> None:
        self.world.ask(merchant, self.random.choice((Trigger.WEBHOOK, Trigger.ONBOARDING)))

    def _leaves(self, merchant: Merchant) -> None:
        if merchant.installed:
            self.world.leave(merchant, told=self.random.random() < 0.8)

    def _notice(self, merchant: Merchant) -> None:
        if merchant.notices:
            number = self.random.randrange(len(merchant.notices))
            self.world.notice(merchant, number, again=self.random.random() < 0.2)

    def _app(self, merchant: Merchant) -> None:
        world, chance = self.world, self.random.random()
        if merchant.app_changes(world.look(merchant)):
            return
        if chance < 0.3:
            world.app_asks(merchant)
        elif chance < 0.6:
            world.app_stores_token(merchant)
        elif not merchant.installed:
            world.app_reinstalls(merchant)
        elif chance < 0.75:
            world.leave(merchant, told=self.random.random() < 0.5)
            world.app_uninstalls(merchant)

    def _staff(self, merchant: Merchant) -> None:
        look = self.world.look(merchant)
        if look.running:
            self.world.take_over(merchant, self.random.choice(list(Mode)))
        elif not look.gone and self.random.random() < 0.2:
            self.world.stop(merchant)

    def _token(self, merchant: Merchant) -> None:
        if self.random.random() < 0.2:
            self.world.revoke(merchant)

    def _dies(self, merchant: Merchant) -> None:
        self.world.dies_at = self.random.randrange(20)


def simulate(settings: Settings, *, seed: int, days: float, shops: int) -> tuple[World, Counter[str]]:
    """Live through `days` with `shops` shops on an empty database. Errors: Broken."""
    random.seed(seed)  # the back-off's jitter
    clock = Clock(START)
    opened = open_database(settings, host_clock=clock)
    database = TimedDatabase(opened.engine, opened.readonly, clock)
    domains = [f"shop-{number}.myshopify.com" for number in range(shops)]
    world = World(database, settings, clock, {domain: Merchant(domain) for domain in domains})
    month = Month(world, random.Random(seed))
    try:
        month.live(START + timedelta(days=days))
        world.settle(rounds=30)
    except Broken as broken:
        raise Broken(f"seed {seed}, step {world.steps}, {clock.moment}: {broken}") from broken
    finally:
        database.close()
    return world, month.happened


def own_settings(url: str, seed: int) -> Settings:
    """Odd seeds live under the classic profile; each third refreshes daily."""
    words = {"sweep_profile": Profile.CLASSIC if seed % 2 else Profile.PROMPT, "refresh_hours": 0 if seed % 3 else 24}
    made = load_settings(_env_file=None, database_url=url, token_keys=Fernet.generate_key().decode(), **words)
    prepare(made)
    return made


def main() -> int:
    """Simulate one seed; 1 when a promise breaks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=float, default=31)
    parser.add_argument("--shops", type=int, default=24)
    parser.add_argument("--postgresql", action="store_true")
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    size = {"seed": asked.seed, "days": asked.days, "shops": asked.shops}
    if asked.postgresql:
        with running_postgres() as server, server.fresh() as url:
            return _report(own_settings(url, asked.seed), **size)
    with tempfile.TemporaryDirectory(dir=_memory()) as folder:
        return _report(own_settings(f"sqlite:///{folder}/month.db", asked.seed), **size)


def _memory() -> str | None:
    """A folder in memory where there is one: a simulated month needs no durable disk."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def _report(settings: Settings, *, seed: int, days: float, shops: int) -> int:
    try:
        world, happened = simulate(settings, seed=seed, days=days, shops=shops)
    except Broken as broken:
        sys.stdout.write(f"seed {seed}: BROKEN\n{broken}\n")
        return 1
    span = world.now - START
    told = ", ".join(f"{name} {count}" for name, count in sorted(happened.items()))
    sys.stdout.write(
        f"seed {seed}, {settings.sweep_profile} profile, {shops} shops: {span.days} simulated days, "
        f"{world.steps} steps, 0 violations\n  events: {told}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
