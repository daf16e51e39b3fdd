"""Which road each resource takes: counts, access, what was measured."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from sync_core.plan import choose, sentence
from sync_core.progress import FULL, Haul, Leg
from sync_core.resources import chosen
from sync_core.shopify.answers import Cost

RESOURCES = chosen(("products", "customers", "orders"))
SLOW = Cost(1, 1, available=0, maximum=2_000, restore_rate=100)


def legs_of(now: datetime, **totals: int) -> dict[str, Leg]:
    return {resource.name: Leg(FULL, now, None, total=totals.get(resource.name, 0)) for resource in RESOURCES}


def by_bulk(legs: dict[str, Leg], now: datetime, *, most: int = 10_000, bucket: Cost | None = SLOW) -> set[str]:
    choose(RESOURCES, legs, bucket, most=most, now=now)
    return {name for name, leg in legs.items() if leg.haul is not None}


@pytest.mark.parametrize(("products", "bulk"), [(1_999, False), (2_000, False), (2_001, True)])
def test_more_objects_than_the_threshold_come_by_bulk(now: datetime, products: int, bulk: bool) -> None:
    """A product counts with its variants: five objects."""
    assert bool(by_bulk(legs_of(now, products=products), now)) is bulk


def test_all_resources_together_pass_the_threshold(now: datetime) -> None:
    assert by_bulk(legs_of(now, products=1_000, customers=3_000, orders=1_000), now) == {
        "products",
        "customers",
        "orders",
    }


def test_what_fits_into_a_page_is_not_worth_an_operation(now: datetime) -> None:
    assert by_bulk(legs_of(now, products=20_000, customers=250), now) == {"products"}


def test_zero_switches_bulk_off(now: datetime) -> None:
    assert by_bulk(legs_of(now, products=1_000_000), now, most=0) == set()


@pytest.mark.parametrize(("hours", "bulk"), [(23.9, False), (24, True), (25, True)])
def test_a_denial_is_believed_for_a_day(now: datetime, hours: float, bulk: bool) -> None:
    legs = legs_of(now, products=20_000)
    legs["orders"].denied = now - timedelta(hours=hours)

    assert bool(by_bulk(legs, now)) is bulk


@pytest.mark.parametrize(("rate", "bulk"), [(10, False), (5_000, True)])
def test_a_measured_operation_must_be_the_faster_road(now: datetime, rate: float, bulk: bool) -> None:
    legs = legs_of(now, products=20_000)
    legs["products"].rate = rate

    assert bool(by_bulk(legs, now)) is bulk


def test_a_pass_under_way_stays_on_its_road(now: datetime) -> None:
    legs = legs_of(now, products=20_000, orders=20_000)
    legs["products"].advance(roots=250, after="c-1", ended=False)
    legs["orders"].haul = Haul("gid://shopify/BulkOperation/1", failures=1)

    assert by_bulk(legs, now) == {"orders"}
    assert legs["orders"].haul == Haul("gid://shopify/BulkOperation/1", failures=1)


def test_the_sentence_names_the_roads(now: datetime) -> None:
    legs = legs_of(now, products=8_000, customers=180)
    legs["products"].haul = Haul()
    mixed = sentence(RESOURCES, legs, None)
    legs["customers"].ended = legs["orders"].ended = True

    assert mixed == "8,180 objects: products in bulk, customers, orders page by page, about 86 s"
    assert sentence(RESOURCES, legs, None) == "8,000 objects: bulk, about 85 s"
