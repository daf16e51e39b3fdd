"""The plan of an attempt: the road of each resource, and in one sentence how much there is and about how long."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil

from sync_core.progress import Haul, Leg
from sync_core.resources.pages import LARGEST_PAGE
from sync_core.resources.resource import Resource
from sync_core.shopify.answers import Cost

SECONDS_PER_PAGE = 0.7
"""Measured on public stores: a page of 250 takes 0.6-0.8 s, whatever its points."""

BULK_START_SECONDS = 5.0
BULK_OBJECTS_PER_SECOND = 500.0
"""A guess until one ran on this shop: public reports differ a thousandfold."""

DENIED_FOR = timedelta(days=1)
"""How long we believe Shopify that the app may not run bulk operations."""

Legs = dict[str, Leg]


def choose(resources: Sequence[Resource], legs: Legs, bucket: Cost | None, *, most: int, now: datetime) -> None:
    """Send by bulk operation what is large; `most`: up to so many objects in all come page by page, 0: always.

    A pass under way stays on its road. Where a bulk operation was measured, it must be the faster road.
    """
    fresh = [r for r in resources if _unbegun(legs[r.name])]
    known = [leg.denied for leg in legs.values() if leg.denied is not None]
    denied = bool(known) and now - max(known) < DENIED_FOR
    if denied or not most or sum(_objects(r, legs[r.name]) for r in fresh) <= most:
        return
    for resource in fresh:
        leg = legs[resource.name]
        if resource.bulk is not None and _left(leg) > LARGEST_PAGE and _is_faster(resource, leg, bucket):
            leg.haul = Haul()


def sentence(resources: Sequence[Resource], legs: Legs, bucket: Cost | None) -> str:
    """ "2,311 objects: page by page, about 40 s". An estimate; a resource without a total counts as nothing."""
    open_ones = [r for r in resources if not legs[r.name].ended]
    bulk = [r for r in open_ones if legs[r.name].haul is not None]
    paged = [r for r in open_ones if r not in bulk]
    seconds = _page_seconds(paged, legs, bucket) + max((bulk_seconds(r, legs[r.name]) for r in bulk), default=0.0)
    objects = sum(_left(legs[r.name]) for r in open_ones)
    return f"{objects:,} {'object' if objects == 1 else 'objects'}: {_roads(bulk, paged)}, about {_duration(seconds)}"


def bulk_seconds(resource: Resource, leg: Leg) -> float:
    """About how long a bulk operation takes, from submitting to stored."""
    return BULK_START_SECONDS + _objects(resource, leg) / (leg.rate or BULK_OBJECTS_PER_SECOND)


def _roads(bulk: Sequence[Resource], paged: Sequence[Resource]) -> str:
    if not bulk or not paged:
        return "bulk" if bulk else "page by page"
    return f"{', '.join(r.name for r in bulk)} in bulk, {', '.join(r.name for r in paged)} page by page"


def _unbegun(leg: Leg) -> bool:
    return not leg.ended and leg.after is None and leg.haul is None


def _is_faster(resource: Resource, leg: Leg, bucket: Cost | None) -> bool:
    return leg.rate is None or bulk_seconds(resource, leg) < _page_seconds([resource], {resource.name: leg}, bucket)


def _page_seconds(resources: Sequence[Resource], legs: Legs, bucket: Cost | None) -> float:
    pages = {r.name: ceil(_left(legs[r.name]) / LARGEST_PAGE) for r in resources}
    points = sum(r.page_points * pages[r.name] for r in resources)
    return max(sum(pages.values()) * SECONDS_PER_PAGE, _refill_seconds(points, bucket))


def _objects(resource: Resource, leg: Leg) -> float:
    """With what is below the roots, about."""
    return _left(leg) * (resource.bulk.objects if resource.bulk else 1)


def _left(leg: Leg) -> int:
    return max(0, (leg.total or 0) - leg.done)


def _refill_seconds(points: float, bucket: Cost | None) -> float:
    if bucket is None or bucket.restore_rate <= 0:
        return 0.0
    return max(0.0, (points - bucket.available) / bucket.restore_rate)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min"
