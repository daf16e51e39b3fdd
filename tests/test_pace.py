"""How long the rest takes: said at half time within 30 %, whatever holds a run up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from sync_core.pace import Pace
from sync_core.progress import FULL, Leg
from sync_core.resources import customers, orders, products
from sync_core.shopify.answers import Cost

RESOURCES = (products.RESOURCE, customers.RESOURCE, orders.RESOURCE)
POINTS = {"products": 76, "customers": 24, "orders": 320}
"""Of a page of 250, as a sandbox with three variants a product answers them."""


@dataclass
class Store:
    """A shop whose pages take so long there and back, and whose points come back at a rate."""

    page_seconds: float
    bucket: Cost

    def answer(self, name: str, now: datetime) -> datetime:
        """When the page is here: it waits until the bucket holds its points."""
        missing = max(0.0, POINTS[name] - self.bucket.available)
        seconds = max(self.page_seconds, missing / self.bucket.restore_rate)
        restored = min(self.bucket.maximum, self.bucket.available + seconds * self.bucket.restore_rate)
        self.bucket = replace(self.bucket, available=restored - POINTS[name])
        return now + timedelta(seconds=seconds)


@pytest.mark.parametrize("totals", [(10_000, 2_000, 2_000), (4_000, 2_500, 1_500), (1_000, 500, 20_000)])
@pytest.mark.parametrize("page_seconds", [0.1, 0.7, 2.0])
@pytest.mark.parametrize("available", [0, 2_000])
def test_what_is_said_at_half_time_comes_true(
    now: datetime, totals: tuple[int, int, int], page_seconds: float, available: int
) -> None:
    legs = {r.name: Leg(FULL, now, None, total=total) for r, total in zip(RESOURCES, totals, strict=True)}
    store = Store(page_seconds, Cost(0, 0, available, 2_000, 100))
    at = now + timedelta(seconds=2 * page_seconds)
    pace, said = Pace(at), []

    for resource in RESOURCES:
        for _ in range(legs[resource.name].total // 250):  # type: ignore[operator]
            at = store.answer(resource.name, at)
            leg = legs[resource.name]
            leg.advance(roots=250, after=None, ended=leg.done + 250 == leg.total)
            pace.stored(resource, 250, store.bucket, at)
            said.append((at, sum(pace.left(RESOURCES, legs, store.bucket).values())))

    half = now + (at - now) / 2
    moment, left = next(one for one in said if one[0] >= half)
    assert left == pytest.approx((at - moment).total_seconds(), rel=0.3)


def test_a_resource_without_a_total_is_not_guessed(now: datetime) -> None:
    legs = {r.name: Leg(FULL, now, None) for r in RESOURCES}

    assert Pace(now).left(RESOURCES, legs, None) == {}
