"""The plan of an attempt in one sentence: how much there is, and about how long it takes."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from sync_core.progress import Leg
from sync_core.resources.pages import LARGEST_PAGE
from sync_core.resources.resource import Resource
from sync_core.shopify.answers import Cost

SECONDS_PER_PAGE = 0.7
"""Measured on public stores: a page of 250 takes 0.6-0.8 s, whatever its points."""


def sentence(resources: Sequence[Resource], legs: dict[str, Leg], bucket: Cost | None) -> str:
    """ "2,311 objects: page by page, about 40 s". An estimate; a resource without a total counts as nothing."""
    left = {r.name: max(0, (legs[r.name].total or 0) - legs[r.name].done) for r in resources if not legs[r.name].ended}
    pages = {name: ceil(objects / LARGEST_PAGE) for name, objects in left.items()}
    points = sum(resource.page_points * pages.get(resource.name, 0) for resource in resources)
    seconds = max(sum(pages.values()) * SECONDS_PER_PAGE, _refill_seconds(points, bucket))
    objects = sum(left.values())
    return f"{objects:,} {'object' if objects == 1 else 'objects'}: page by page, about {_duration(seconds)}"


def _refill_seconds(points: float, bucket: Cost | None) -> float:
    if bucket is None or bucket.restore_rate <= 0:
        return 0.0
    return max(0.0, (points - bucket.available) / bucket.restore_rate)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min"
