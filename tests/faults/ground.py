"""Where a fault happens: a database, a sandbox Shopify, shops that come in, and the product's processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography.fernet import Fernet
from sqlalchemy import func, select

from sync_core import install
from sync_core.config import Settings, load_settings
from sync_core.credentials import TokenPair
from sync_core.db import Database, open_database
from sync_core.models import ShopSync
from sync_core.sandbox.config import SandboxConfig
from sync_core.sandbox.running import Running, running
from sync_core.schema import prepare
from sync_core.states import Status
from sync_core.vault import open_vault
from tests.faults.auditor import Verdict, audit
from tests.faults.children import Child, Launcher, launcher
from tests.faults.postgres_server import Server, server

SETTLED_WITHIN_SECONDS = 120
PATIENCE_SECONDS = 600
LOG_LINES = 1_000_000

CLUSTER = "cluster"
"""The lane on PostgreSQL whose syncs run on the cluster's workers."""

Environment = dict[str, str]

FAST: Environment = {
    "ENVIRONMENT": "test",
    "LEASE_SECONDS": "2",
    "RETRY_SECONDS": "0.2,0.5,1",
    "WAKE_HOLD_SECONDS": "0",
    "SWEEP_PERIOD_SECONDS": "2",
    "SWEEP_GRACE_SECONDS": "1",
    "STALL_SECONDS": "30",
    "WORKERS": "8",
    "CRON_SECRET": "test-cron-secret",
    "INTERNAL_API_SECRET": "test-internal-secret",
    "READ_API_TOKEN": "test-read-token",
}


@dataclass
class Ground:
    """One installation under one kind of fault."""

    engine: str
    folder: Path
    sandbox: Running
    environment: Environment
    launcher: Launcher
    server: Server | None
    database: Database
    settings: Settings
    children: list[Child] = field(default_factory=list)
    domains: list[str] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def install(self, number: int, *, name: str = "shop", old_token: bool = False) -> list[str]:
        """So many new shops, named `name-<n>`, PENDING. `old_token`: it ends soon, so the run refreshes it."""
        new = [f"{name}-{next(self.numbers)}.myshopify.com" for _ in range(number)]
        pairs = {domain: self._pair(domain, old_token) for domain in new}
        vault = open_vault(self.settings)
        with self.database.write() as session:
            now = self.database.now(session)
            own: dict[str, Any] = {"authorised_at": now, "now": now, "settings": self.settings, "vault": vault}
            for domain, pair in pairs.items():
                install.register(session, domain=domain, pair=pair, **own)
        self.domains += new
        return new

    def _pair(self, domain: str, old_token: bool) -> TokenPair:
        made = self.sandbox.control.mint(domain)
        expires_at = datetime.now(UTC) + timedelta(minutes=5 if old_token else 55)
        return TokenPair(made["access_token"], made["refresh_token"], expires_at=expires_at, scopes=made["scope"])

    def scheduler(self, **environment: str) -> Child:
        return self._start("scheduler", environment)

    def worker(self, **environment: str) -> Child:
        """What syncs: scheduler.py with the pool in it, or a worker of the cluster."""
        return self._start("worker" if self.engine == CLUSTER else "scheduler", environment)

    def api(self, port: int, **environment: str) -> Child:
        return self._start(str(port), environment)

    def _start(self, role: str, environment: Environment) -> Child:
        child = self.launcher.start(role, self.folder, self.environment | environment)
        self.children.append(child)
        return child

    def unfinished(self) -> int:
        """Shops that are not COMPLETED and not told to wait for longer than a minute."""
        with self.database.read() as session:
            soon = self.database.now(session) + timedelta(minutes=1)
            waits = (ShopSync.status == Status.FAILED.value) & (ShopSync.wake_at.is_(None) | (ShopSync.wake_at > soon))
            query = select(func.count()).where(ShopSync.status != Status.COMPLETED.value, ~waits)
            return session.execute(query).scalar_one()

    def owners(self) -> list[str]:
        """The processes that hold a claim, once for each claim."""
        with self.database.read() as session:
            owners = session.execute(select(ShopSync.lease_owner).where(ShopSync.lease_owner.is_not(None))).scalars()
            return [owner for owner in owners if owner]

    def settle(self, *, seconds: float = SETTLED_WITHIN_SECONDS, **environment: str) -> None:
        """Let an unhurt process finish what there is, if it can, and end every process."""
        unhurt = self.worker(**environment)
        until = time.monotonic() + seconds
        while self.unfinished() and time.monotonic() < until:
            time.sleep(0.1)
        unhurt.end()
        self.end()

    def end(self) -> None:
        for child in self.children:
            child.end()
        self.children.clear()

    def audit(self, *, outages: list[tuple[datetime, datetime]] | None = None, true_clock: bool = True) -> Verdict:
        own: dict[str, Any] = {"lease_seconds": 2, "outages": outages or [], "true_clock": true_clock}
        return audit(self.database, self.sandbox.control, **own)

    def log(self) -> str:
        return (self.folder / "processes.log").read_text(errors="replace")


@dataclass
class Lane:
    """One engine's runs, one after another, each on a ground of its own.

    In the cluster's a scheduler sweeps and offers from the beginning of a ground to its end.
    """

    engine: str
    folder: Path
    launcher: Launcher
    server: Server | None

    @contextmanager
    def ground(
        self,
        environment: Environment | None = None,
        /,
        *,
        latency_ms: float = 15,
        disk: Path | None = None,
        **more: str,
    ) -> Iterator[Ground]:
        """Five requests a shop: identity, totals, products, customers, orders. `disk`: where SQLite's file is."""
        folder = self.folder / f"ground-{time.monotonic_ns()}"
        folder.mkdir()
        quiet = SandboxConfig(products=3, customers=3, orders=2, throttle=False, log_lines=LOG_LINES)
        config = replace(quiet, latency_ms=latency_ms)
        with ExitStack() as stack:
            sandbox = stack.enter_context(running(config))
            url = stack.enter_context(self._database(disk or folder))
            cluster = {"DISPATCH": "procrastinate"} if self.engine == CLUSTER else {}
            settled = _environment(sandbox, url) | cluster | (environment or {}) | more
            settings = _settings(settled)
            prepare(settings)
            database = open_database(_onlooker(settings), host_clock=lambda: datetime.now(UTC))
            stack.callback(database.close)
            ground = Ground(self.engine, folder, sandbox, settled, self.launcher, self.server, database, settings)
            stack.callback(ground.end)
            if self.engine == CLUSTER:
                ground.scheduler()
            yield ground

    @contextmanager
    def _database(self, folder: Path) -> Iterator[str]:
        if self.server is None:
            yield f"sqlite:///{folder}/shopsync.db"
            return
        with self.server.postgres.fresh() as url:
            yield url


@contextmanager
def lane(engine: str) -> Iterator[Lane]:
    """A lane for `sqlite`, `postgresql` or `cluster`."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="faults-")))
        started = None if engine == "sqlite" else stack.enter_context(server(folder / "pg"))
        yield Lane(engine, folder, stack.enter_context(launcher()), started)


def eventually(true: Callable[[], bool], *, seconds: float) -> bool:
    """Whether it became true in time."""
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def _environment(sandbox: Running, url: str) -> Environment:
    own = {
        "DATABASE_URL": url,
        "TOKEN_KEYS": Fernet.generate_key().decode(),
        "SHOPIFY_API_KEY": sandbox.config.client_id,
        "SHOPIFY_API_SECRET": sandbox.config.client_secret,
        "SHOPIFY_BASE_URL": sandbox.base_url,
    }
    return FAST | own


def _onlooker(settings: Settings) -> Settings:
    """Who looks on may read for longer than a lease; PostgreSQL ends any transaction that idles for so long."""
    return settings.model_copy(update={"lease_seconds": PATIENCE_SECONDS})


def _settings(environment: Environment) -> Settings:
    names = {name.lower(): value for name, value in environment.items()}
    return load_settings(_env_file=None, **{k: v for k, v in names.items() if k in Settings.model_fields})
