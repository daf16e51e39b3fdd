"""How good the estimated starts were: what was written down, beside what then happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync_core import slo
from sync_core.models import StartEstimate

DAY = timedelta(days=1)
NEWEST = 2_000
CLOSE = timedelta(seconds=30)
CLOSE_SHARE = 0.1
"""An estimate was good when the start came within 30 s of it, or within a tenth of the wait."""


@dataclass(frozen=True)
class Accuracy:
    """Of the last 24 h: `k` of `n` estimates were good; the middle error and the 95 % error in seconds."""

    k: int
    n: int
    p50: float | None
    p95: float | None


def accuracy(session: Session, *, now: datetime) -> Accuracy:
    """How good the estimates were that were settled in the last 24 h, the newest 2,000. Source: start_estimate."""
    columns = (StartEstimate.made_at, StartEstimate.starts_at, StartEstimate.started_at)
    query = select(*columns).where(StartEstimate.settled_at > now - DAY, StartEstimate.settled_at <= now)
    rows = session.execute(query.order_by(StartEstimate.settled_at.desc()).limit(NEWEST)).all()
    errors: dict[int, int] = {}
    good = 0
    for made_at, starts_at, started_at in rows:
        if started_at is None:
            continue
        error = abs(started_at - starts_at)
        good += error <= max(CLOSE, CLOSE_SHARE * (started_at - made_at))
        errors[round(error.total_seconds())] = errors.get(round(error.total_seconds()), 0) + 1
    return Accuracy(good, sum(errors.values()), slo.percentile(errors, 0.5), slo.percentile(errors, 0.95))
