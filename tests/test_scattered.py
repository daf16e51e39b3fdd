"""A bulk file in portions: children far from their parents, before or behind them, and those that left."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from sync_core import scattered
from sync_core.app_models import Product, Shop, Variant
from sync_core.models import BulkItem
from sync_core.scattered import Scattered
from sync_core.store import PRODUCTS, VARIANTS, Batch, store
from tests.test_store import product, variant

OURS = "shop-1"


@pytest.fixture
def shop(session: Session, now: datetime) -> Session:
    """A transaction in which the shop is known."""
    row = {"id": OURS, "shop_domain": "one.myshopify.com", "access_token": "", "installed_at": now}
    session.execute(insert(Shop).values(**row))
    return session


def portion(now: datetime, roots: list[int], children: list[tuple[int, int]]) -> Batch:
    """Products by number, variants as (number, product)."""
    rows = [variant(number, of) for number, of in children]
    return Batch(PRODUCTS, [product(n, now) for n in roots], {VARIANTS: rows}, whole=frozenset({VARIANTS}))


def read(session: Session, *portions: Batch, marked: bool) -> None:
    """The whole file, as a run reads it."""
    found = Scattered(session, OURS, PRODUCTS, marked=marked)
    for one in portions:
        found.store(one)
    while found.settle(VARIANTS):
        pass
    after: str | None = "" if marked else None
    while after is not None:
        after = found.remove_gone(VARIANTS, after=after)
    scattered.forget(session, OURS)


def variants(session: Session) -> dict[str, str]:
    """Product by variant, both as Shopify numbers them."""
    query = select(Variant.shopify_id, Product.shopify_id).join(Product, Product.id == Variant.product_id)
    return {row[0]: row[1] for row in session.execute(query)}


@pytest.mark.parametrize("marked", [False, True])
def test_children_find_their_parents_in_whatever_portion_they_are(shop: Session, now: datetime, marked: bool) -> None:
    first = portion(now, [1], [(11, 1), (21, 2), (31, 3)])
    second = portion(now, [2], [(12, 1)])
    third = portion(now, [3], [(22, 2), (32, 3)])

    read(shop, first, second, third, marked=marked)

    assert variants(shop) == {"11": "1", "12": "1", "21": "2", "22": "2", "31": "3", "32": "3"}


def test_what_left_its_parent_goes_and_what_stayed_in_another_portion_stays(shop: Session, now: datetime) -> None:
    store(shop, OURS, portion(now, [1, 2], [(11, 1), (12, 1), (13, 1), (21, 2), (22, 2)]))

    read(shop, portion(now, [1], [(22, 2)]), portion(now, [2], [(12, 1)]), marked=True)

    assert variants(shop) == {"12": "1", "22": "2"}


def test_children_of_a_parent_that_the_file_does_not_have_are_left_alone(shop: Session, now: datetime) -> None:
    store(shop, OURS, portion(now, [1, 2], [(11, 1), (21, 2)]))

    read(shop, portion(now, [1], [(12, 1), (22, 2)]), marked=True)

    assert variants(shop) == {"12": "1", "21": "2"}


def test_a_child_of_nobody_is_not_stored_and_nothing_waits_for_ever(shop: Session, now: datetime) -> None:
    read(shop, portion(now, [1], [(11, 1), (91, 9)]), marked=False)

    assert variants(shop) == {"11": "1"}
    assert shop.execute(select(func.count()).select_from(BulkItem)).scalar_one() == 0


def test_a_portion_stored_twice_changes_nothing(shop: Session, now: datetime) -> None:
    first, second = portion(now, [1], [(11, 1), (21, 2)]), portion(now, [2], [(22, 2)])

    read(shop, first, replace(first), second, marked=True)

    assert variants(shop) == {"11": "1", "21": "2", "22": "2"}
