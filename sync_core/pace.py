"""How long the rest of a run takes: by what its pages took so far, and by the points that must come back first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf

from sync_core.plan import SECONDS_PER_PAGE
from sync_core.progress import Leg
from sync_core.resources.pages import LARGEST_PAGE
from sync_core.resources.resource import Resource
from sync_core.shopify.answers import Cost


@dataclass
class Pace:
    """What full pages took in one attempt: those that waited for no point, and the fastest of all."""

    last: datetime
    seconds: float = 0.0
    pages: float = 0.0
    fastest: float = SECONDS_PER_PAGE

    def stored(self, resource: Resource, roots: int, bucket: Cost | None, now: datetime) -> None:
        """So many rows of it are stored since the last page; `bucket` is the shop's as it was answered last."""
        pages, took, self.last = roots / LARGEST_PAGE, (now - self.last).total_seconds(), now
        if not pages:
            return
        self.fastest = min(self.fastest, took / pages)
        if bucket is None or bucket.available >= resource.page_points:
            self.seconds += took
            self.pages += pages

    def left(self, resources: Sequence[Resource], legs: Mapping[str, Leg], bucket: Cost | None) -> dict[str, float]:
        """Seconds until each resource that is not ended is stored, those before it not counted.

        A resource without a total is absent. What the bucket holds is spent before anything waits for it.
        """
        rate = bucket.restore_rate if bucket else 0
        credit = bucket.available / rate if bucket and rate > 0 else inf
        found = {}
        for resource in resources:
            leg = legs[resource.name]
            if not leg.ended and leg.total is not None:
                pages = max(0, leg.total - leg.done) / LARGEST_PAGE
                fast = pages * self.page_seconds
                slow = max(fast, pages * resource.page_points / rate) if rate > 0 else fast
                saved = min(slow - fast, credit)
                credit -= saved
                found[resource.name] = round(slow - saved, 1)
        return found

    @property
    def page_seconds(self) -> float:
        """What a full page takes when it need not wait."""
        return self.seconds / self.pages if self.pages else self.fastest
