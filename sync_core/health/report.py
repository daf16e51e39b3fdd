"""The objectives as the object of `GET /api/health` and `shopsync health --json`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from sync_core.config import Settings
from sync_core.health.hours import books
from sync_core.health.objectives import Objectives, Share, objectives
from sync_core.health.series import Point, Step, series
from sync_core.health.times import Times

DIGITS = 4


def report(
    session: Session, *, since: datetime, until: datetime, now: datetime, settings: Settings, step: Step | None
) -> dict[str, Any]:
    """The four objectives of a window as programs get them; `step`: and how they went, in UTC.

    Source and errors: as `objectives` and `series`.
    """
    kept = books(session)
    window: dict[str, Any] = {"since": since, "until": until, "now": now, "settings": settings}
    said = _objectives(objectives(kept, **window))
    if step:
        said["series"] = [_point(point) for point in series(kept, step=step, zone=ZoneInfo("UTC"), **window)]
    return said


def _objectives(figures: Objectives) -> dict[str, Any]:
    """Plain values only; shares are rounded to four digits, seconds to tenths, moments are UTC."""
    success, picked, swept = figures.sync_success, figures.pick_up, figures.sweep_success
    judged = {
        "sync_success": {
            **_share(success.all),
            "addressable": _counts(success.addressable),
            "first_attempt": _counts(success.first_attempt),
        },
        "pick_up": {**_share(picked.all), "overdue_now": picked.overdue_now},
        "time_to_sync": _time_to_sync(figures),
        "sweep_success": {**_share(swept.all), "missed": swept.missed, "failed": swept.failed},
    }
    ledger = {"installs": figures.ledger.installs, "classes": dict(figures.ledger.classes)}
    window = {"from": _moment(figures.since), "to": _moment(figures.until)}
    return {"window": window, "objectives": judged, "ledger": ledger}


def _point(point: Point) -> dict[str, Any]:
    """One step of `series`, in the words of the objectives."""
    parts = {
        "sync_success": point.sync_success,
        "pick_up": point.pick_up,
        "sweep_success": point.sweep_success,
    }
    times = {"n": point.finished, "p50": point.p50, "p95": point.p95}
    counts: dict[str, Any] = {name: {"k": part.k, "n": part.n} for name, part in parts.items()}
    return {"from": _moment(point.since), "to": _moment(point.until), **counts, "time_to_sync": times}


def _share(share: Share) -> dict[str, Any]:
    interval = {"value": _rounded(share.value), "low": _rounded(share.low), "high": _rounded(share.high)}
    return {"target": share.target, **_counts(share), **interval, "verdict": str(share.verdict)}


def _counts(share: Share) -> dict[str, int]:
    return {"k": share.k, "n": share.n}


def _time_to_sync(figures: Objectives) -> dict[str, Any]:
    times = figures.time_to_sync
    by_path = {path: _times(one) for path, one in times.by_path.items()}
    return {"target_seconds": times.target_seconds, **_times(times.all), "by_path": by_path}


def _times(times: Times) -> dict[str, Any]:
    seconds = {name: _rounded(getattr(times, name), 1) for name in ("mean", "restricted_mean", "p50", "p95", "p99")}
    judged = {"share_under_target": _rounded(times.share_under_target), "verdict": str(times.verdict)}
    return {"n": times.n, "waiting": times.waiting, **seconds, **judged}


def _rounded(value: float | None, digits: int = DIGITS) -> float | None:
    return None if value is None else round(value, digits)


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
