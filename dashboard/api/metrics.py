"""GET /metrics: figures in Prometheus' text format, made from one snapshot that all scrapes of some seconds share.

No label per shop: their number would grow with the fleet. What is counted is counted with an end (see `CAP`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from threading import Lock
from time import perf_counter
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response

from dashboard.api.answers import HEADERS
from dashboard.api.desk import Desk, desk_of
from dashboard.api.security import require_secret_from_outside
from sync_core import health
from sync_core.alerts.lists import open_by_severity, undelivered
from sync_core.errors import TooSlow
from sync_core.health import Answering
from sync_core.health.conditions import CAP

SNAPSHOT_FOR = timedelta(seconds=5)
OBJECTIVES_FOR = timedelta(seconds=60)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Before any install: counters count from here."""
DAY = timedelta(hours=24)
MONTH = timedelta(days=30)
UP_TO = f"counted up to {CAP:,}"

ANSWERS = "Whether the database answers in time"
PATIENCE = 8.0
"""Seconds; a scrape is given up by Prometheus after 10 unless told otherwise."""

Made = TypeVar("Made")


class Kept(Generic[Made]):
    """Something that is made again when it is older than `keep`; threads that ask at once wait for one making."""

    def __init__(self, make: Callable[[Desk], Made], *, keep: timedelta) -> None:
        self._make = make
        self._keep = keep
        self._lock = Lock()
        self._at: datetime | None = None
        self._made: Made | None = None

    def get(self, desk: Desk) -> Made:
        """The thing, made anew when needed. Errors: database errors; the next to ask tries again."""
        with self._lock:
            now = desk.clock()
            if self._made is None or self._at is None or not timedelta(0) <= now - self._at < self._keep:
                self._made, self._at = self._make(desk), now
            return self._made


@dataclass(frozen=True)
class Snapshot:
    """The fleet, the alerts, and how long the database took to answer, seconds."""

    fleet: health.Fleet
    processes: list[health.Process]
    alerts: dict[str, int]
    undelivered: int
    took: float


@dataclass(frozen=True)
class Spans:
    """The objectives since ever (for counters), of 24 hours (for times) and of 30 days (for badges)."""

    ever: health.Objectives
    day: health.Objectives
    month: health.Objectives


class Readings:
    """What this process knows for its scrapes."""

    def __init__(self) -> None:
        self.snapshot = Kept(_snapshot, keep=SNAPSHOT_FOR)
        self.spans = Kept(_spans, keep=OBJECTIVES_FOR)


def metrics(request: Request) -> Response:
    """All figures; with the database away, that it is away. Errors: 401 from outside without READ_API_TOKEN."""
    require_secret_from_outside(request, "read_api_token")
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_Collected(readings_of(request), desk_of(request)))
    encode, media_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(registry), headers=HEADERS | {"Content-Type": media_type})


def readings_of(request: Request) -> Readings:
    """The readings of the app that this request came to."""
    readings: Readings = request.app.state.readings
    return readings


class _Collected(Collector):
    """One scrape."""

    def __init__(self, readings: Readings, desk: Desk) -> None:
        self._readings = readings
        self._desk = desk

    def collect(self) -> Iterable[Metric]:
        yield InfoMetricFamily("shopsync_build", "The program", {"version": version("shopsync")})
        try:
            snapshot, spans = self._readings.snapshot.get(self._desk), self._readings.spans.get(self._desk)
        except (SQLAlchemyError, TooSlow):
            yield _gauge("database_up", ANSWERS, 0)
            return
        yield _gauge("database_up", ANSWERS, 1)
        yield from _machine(snapshot)
        yield from _checks(snapshot.fleet)
        yield from _shops(snapshot.fleet)
        yield from _objectives(spans)


def _machine(snapshot: Snapshot) -> Iterator[Metric]:
    fleet = snapshot.fleet
    yield _gauge("snapshot_duration_seconds", "Time that the figures of this scrape took to read", snapshot.took)
    yield _gauge("scheduler_up", "Whether a scheduler is alive", fleet.scheduler.alive)
    yield _moment("scheduler_seen", "Last sign of life of a scheduler", fleet.scheduler.seen_at)
    yield _gauge("workers", "Syncs that the living processes can run at once", fleet.workers.workers)
    yield _gauge("workers_busy", "Syncs that they run", fleet.workers.running)
    yield _gauge("shopify_up", "Whether Shopify answers for most shops", fleet.shopify.kind is not Answering.FAILING)
    living = [process for process in snapshot.processes if process.alive]
    by_role = {role: sum(process.role == role for process in living) for role in ("scheduler", "web", "worker")}
    yield _labelled("processes", "Living processes", "role", by_role)
    offset = max((abs(process.clock_offset) for process in living), default=0.0)
    yield _gauge("clock_offset_seconds", "The largest difference between a host's clock and the database's", offset)
    yield _labelled("alerts_open", "Open alerts", "severity", snapshot.alerts)
    yield _gauge("alert_messages_undelivered", "Messages that no channel has taken yet", snapshot.undelivered)


def _checks(fleet: health.Fleet) -> Iterator[Metric]:
    checks = fleet.checks
    yield _gauge("check_period_seconds", "Time between two safety checks", checks.period.total_seconds())
    yield _moment("check_last", "When the last safety check began", checks.last_at)
    yield _moment("check_last_good", "When the last one that ended well began", checks.last_good_at)
    yield _gauge("checks_missed", "Checks missed since the last one", checks.missed)
    yield _gauge("check_over_limit_shops", "Shops that the last check left for the next", checks.over_limit)


def _shops(fleet: health.Fleet) -> Iterator[Metric]:
    yield _gauge("shops_installed", f"Shops that have the app installed, {UP_TO}", fleet.installed)
    yield _gauge("shops_syncing", f"Shops that are syncing, {UP_TO}", fleet.syncing)
    yield _gauge("shops_waiting", f"Shops that wait to be started, {UP_TO}", fleet.waiting)
    yield _gauge("shops_retrying", f"Shops that failed and are tried again, {UP_TO}", fleet.retrying)
    yield _gauge("shops_overdue", f"Shops due for more than 10 minutes, {UP_TO}", fleet.overdue)
    yield _labelled("shops_blocked", f"Shops that only an event outside brings back, {UP_TO}", "reason", fleet.by_hold)


def _objectives(spans: Spans) -> Iterator[Metric]:
    shares = {name: share_of(spans.ever, name) for name in SHARES}
    yield _counted(
        "objective_good", "Installs or checks that kept it", {name: share.k for name, share in shares.items()}
    )
    yield _counted("objective_judged", "Installs or checks judged", {name: share.n for name, share in shares.items()})
    targets = {name: share.target for name, share in shares.items()}
    yield _labelled("objective_target_ratio", "What is promised", "objective", targets)
    times = spans.day.time_to_sync.all
    if times.restricted_mean is not None:
        words = "Mean time to sync of the installs of 24 hours, those still waiting at their age"
        yield _gauge("time_to_sync_mean_seconds", words, times.restricted_mean)
    if times.p95 is not None:
        yield _gauge("time_to_sync_p95_seconds", "The time that 95 % of these installs did not exceed", times.p95)


SHARES: dict[str, Callable[[health.Objectives], health.Share]] = {
    "sync_success": lambda found: found.sync_success.all,
    "pick_up": lambda found: found.pick_up.all,
    "sweep_success": lambda found: found.sweep_success.all,
}


def share_of(found: health.Objectives, name: str) -> health.Share:
    """One of the three objectives that are shares."""
    return SHARES[name](found)


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(f"shopsync_{name}", words, value=float(value))


def _counted(name: str, words: str, by_objective: dict[str, int]) -> Metric:
    metric = CounterMetricFamily(f"shopsync_{name}", words, labels=["objective"])
    for objective, n in by_objective.items():
        metric.add_metric([objective], n)
    return metric


def _moment(name: str, words: str, at: datetime | None) -> Metric:
    """Seconds since the epoch; without a sample when it never was."""
    metric = GaugeMetricFamily(f"shopsync_{name}_timestamp_seconds", words)
    if at is not None:
        metric.add_metric([], at.timestamp())
    return metric


def _labelled(name: str, words: str, label: str, values: dict[str, int] | dict[str, float]) -> Metric:
    metric = GaugeMetricFamily(f"shopsync_{name}", words, labels=[label])
    for value, n in values.items():
        metric.add_metric([value], float(n))
    return metric


def _snapshot(desk: Desk) -> Snapshot:
    begun = perf_counter()
    with desk.database.look(patience=PATIENCE) as (session, now):
        return Snapshot(
            fleet=health.fleet(session, now=now, settings=desk.settings),
            processes=health.heartbeats(session, now=now),
            alerts=open_by_severity(session),
            undelivered=undelivered(session, now=now),
            took=perf_counter() - begun,
        )


def _spans(desk: Desk) -> Spans:
    with desk.database.look(patience=PATIENCE) as (session, now):
        ever, day, month = (
            health.objectives(session, since=since, until=now, now=now, settings=desk.settings)
            for since in (EARLIEST, now - DAY, now - MONTH)
        )
    return Spans(ever, day, month)
