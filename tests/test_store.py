"""Pages of rows into the app's tables, on each database."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from sync_core.app_models import Customer, Order, OrderLineItem, Product, Refund, Shop, SyncState, Variant
from sync_core.store import (
    CUSTOMERS,
    LINE_ITEMS,
    ORDERS,
    PRODUCTS,
    REFUNDS,
    VARIANTS,
    Batch,
    ForeignRow,
    Row,
    held,
    note_synced,
    store,
)

OURS, THEIRS = "shop-1", "shop-2"

PLANTED = {
    "sqlite": """
        CREATE TEMP TRIGGER of_variant AFTER UPDATE ON "Variant"
        BEGIN INSERT INTO written VALUES ('Variant', NEW."shopifyId"); END
    """,
    "postgresql": """
        CREATE FUNCTION pg_temp.told() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN INSERT INTO written VALUES (TG_TABLE_NAME, NEW."shopifyId"); RETURN NEW; END $$;
        CREATE TRIGGER of_variant AFTER UPDATE ON "Variant" FOR EACH ROW EXECUTE FUNCTION pg_temp.told()
    """,
}
"""The engine's own account of which rows were rewritten."""


@pytest.fixture
def shops(session: Session, now: datetime) -> Session:
    """A transaction in which two shops are known."""
    for shop_id in (OURS, THEIRS):
        row = {"id": shop_id, "shop_domain": f"{shop_id}.myshopify.com", "access_token": "", "installed_at": now}
        session.execute(insert(Shop).values(**row))
    return session


def product(number: int, now: datetime, **changes: Any) -> Row:
    row = {"shopifyId": str(number), "title": "Pot", "handle": f"pot-{number}", "vendor": None, "productType": "Clay"}
    return {**row, "createdAt": now, "updatedAt": now, **changes}


def variant(number: int, of: int, **changes: Any) -> Row:
    row = {"shopifyId": str(number), "productId": str(of), "title": "Large", "sku": None, "price": Decimal("9.99")}
    return {**row, "cost": None, "inventoryQuantity": 3, **changes}


def order(number: int, now: datetime, **changes: Any) -> Row:
    money = {name: Decimal("10.50") for name in ("totalPrice", "subtotalPrice", "totalTax", "totalDiscounts")}
    row = {"shopifyId": str(number), "customerId": None, "orderNumber": "1001", **money, "currency": "EUR"}
    moments = {"createdAt": now, "updatedAt": now}
    return {**row, "financialStatus": "PAID", "fulfillmentStatus": None, **moments, **changes}


def customer(number: int, now: datetime) -> Row:
    return {"shopifyId": str(number), "email": None, "firstName": "Ada", "lastName": None, "createdAt": now}


def page(now: datetime, *, price: str = "9.99", **changes: Any) -> Batch:
    """One product with one variant."""
    return Batch(PRODUCTS, [product(1, now, **changes)], {VARIANTS: [variant(11, 1, price=Decimal(price))]})


def prices(session: Session) -> list[Decimal]:
    return list(session.execute(select(Variant.price).order_by(Variant.shopify_id)).scalars())


def titles(session: Session) -> list[str]:
    return list(session.execute(select(Product.title)).scalars())


def test_parents_and_children_are_stored_with_our_ids(shops: Session, now: datetime) -> None:
    store(shops, OURS, page(now))

    stored = shops.execute(select(Product)).scalar_one()
    child = shops.execute(select(Variant)).scalar_one()
    assert (stored.shop_id, stored.shopify_id, stored.updated_at) == (OURS, "1", now)
    assert (child.product_id, child.price) == (stored.id, Decimal("9.99"))


def test_the_same_page_twice_changes_no_id(shops: Session, now: datetime) -> None:
    store(shops, OURS, page(now))
    ids = select(Product.id, Variant.id).join(Variant)
    before = shops.execute(ids).all()

    store(shops, OURS, page(now))

    assert shops.execute(ids).all() == before


@pytest.mark.parametrize(("milliseconds", "title", "price"), [(-1, "Pot", "9.99"), (0, "Vase", "5"), (1, "Vase", "5")])
def test_an_older_product_overwrites_neither_itself_nor_its_variants(
    shops: Session, now: datetime, milliseconds: int, title: str, price: str
) -> None:
    store(shops, OURS, page(now))
    moment = now + timedelta(milliseconds=milliseconds)

    store(shops, OURS, page(moment, price="5", title="Vase"))

    assert (titles(shops), prices(shops)) == ([title], [Decimal(price)])


def test_a_new_variant_of_an_older_product_is_not_stored(shops: Session, now: datetime) -> None:
    store(shops, OURS, page(now))
    older = product(1, now, updatedAt=now - timedelta(seconds=1))

    store(shops, OURS, Batch(PRODUCTS, [older], {VARIANTS: [variant(12, 1)]}))

    assert len(prices(shops)) == 1


def test_a_product_of_another_shop_is_never_overwritten(shops: Session, now: datetime) -> None:
    store(shops, THEIRS, page(now))

    with pytest.raises(ForeignRow):
        store(shops, OURS, page(now + timedelta(days=1), title="Vase"))

    assert titles(shops) == ["Pot"]


def test_a_variant_of_another_product_is_never_overwritten(shops: Session, now: datetime) -> None:
    store(shops, THEIRS, page(now))
    stolen = Batch(PRODUCTS, [product(2, now)], {VARIANTS: [variant(11, 2, price=Decimal(1))]})

    with pytest.raises(ForeignRow), shops.begin_nested():
        store(shops, OURS, stolen)

    assert prices(shops) == [Decimal("9.99")]


def test_what_is_stored_already_is_not_written_again(shops: Session, now: datetime) -> None:
    store(shops, OURS, page(now))
    shops.execute(text('CREATE TEMP TABLE written (what TEXT, "shopifyId" TEXT)'))
    shops.execute(text(PLANTED[shops.get_bind().dialect.name]))
    changed = variant(12, 1)

    store(shops, OURS, replace(page(now), children={VARIANTS: [variant(11, 1), changed]}))
    store(shops, OURS, replace(page(now), children={VARIANTS: [variant(11, 1), {**changed, "sku": "S"}]}))

    assert shops.execute(text('SELECT what, "shopifyId" FROM written')).all() == [("Variant", "12")]


def test_a_child_that_left_its_parent_goes_when_the_page_has_them_all(shops: Session, now: datetime) -> None:
    both = replace(page(now), children={VARIANTS: [variant(11, 1), variant(12, 1, price=Decimal(1))]})
    store(shops, OURS, both)

    store(shops, OURS, replace(page(now), whole=frozenset({VARIANTS})))

    assert prices(shops) == [Decimal("9.99")]


def test_a_child_that_the_page_does_not_have_stays_when_it_has_not_all(shops: Session, now: datetime) -> None:
    both = replace(page(now), children={VARIANTS: [variant(11, 1), variant(12, 1, price=Decimal(1))]})
    store(shops, OURS, both)

    store(shops, OURS, page(now))

    assert prices(shops) == [Decimal("9.99"), Decimal(1)]


def test_an_object_that_is_there_twice_is_stored_once_as_it_came_last(shops: Session, now: datetime) -> None:
    twice = [variant(11, 1, price=Decimal(1)), variant(11, 1, price=Decimal(2))]

    store(shops, OURS, Batch(PRODUCTS, [product(1, now), product(1, now, title="Vase")], {VARIANTS: twice}))

    assert (titles(shops), prices(shops)) == (["Vase"], [Decimal(2)])


def test_an_order_names_the_customer_that_we_know(shops: Session, now: datetime) -> None:
    store(shops, OURS, Batch(CUSTOMERS, [customer(5, now)]))
    store(shops, THEIRS, Batch(CUSTOMERS, [customer(6, now)]))
    named = [order(1, now, customerId="5"), order(2, now, customerId="6"), order(3, now, customerId="7")]

    store(shops, OURS, Batch(ORDERS, named, links={"customerId": CUSTOMERS}))

    ours = shops.execute(select(Customer.id).where(Customer.shopify_id == "5")).scalar_one()
    found = shops.execute(select(Order.shopify_id, Order.customer_id).order_by(Order.shopify_id)).all()
    assert [tuple(row) for row in found] == [("1", ours), ("2", None), ("3", None)]


def test_a_customer_that_may_not_be_read_any_more_stays_on_the_order(shops: Session, now: datetime) -> None:
    store(shops, OURS, Batch(CUSTOMERS, [customer(5, now)]))
    store(shops, OURS, Batch(ORDERS, [order(1, now, customerId="5")], links={"customerId": CUSTOMERS}))

    store(shops, OURS, Batch(ORDERS, [order(1, now)], links={"customerId": CUSTOMERS}))

    assert shops.execute(select(Order.customer_id)).scalar_one() is not None


def test_lines_and_refunds_belong_to_their_order(shops: Session, now: datetime) -> None:
    line: Row = {"shopifyId": "8", "orderId": "1", "productId": "77", "variantId": None, "title": "Pot", "quantity": 2}
    line |= {"price": Decimal("3.10"), "totalDiscount": Decimal(0)}
    refund = {"shopifyId": "9", "orderId": "1", "amount": Decimal("1.05"), "createdAt": now}

    store(shops, OURS, Batch(ORDERS, [order(1, now)], {LINE_ITEMS: [line], REFUNDS: [refund]}))

    our_id = shops.execute(select(Order.id)).scalar_one()
    assert shops.execute(select(OrderLineItem.order_id, OrderLineItem.product_id)).one() == (our_id, "77")
    assert shops.execute(select(Refund.order_id, Refund.amount)).one() == (our_id, Decimal("1.05"))


def test_a_page_may_hold_more_values_than_one_statement(shops: Session, now: datetime) -> None:
    products = [product(number, now) for number in range(250)]
    variants = [variant(number * 1000 + n, number) for number in range(250) for n in range(40)]

    store(shops, OURS, Batch(PRODUCTS, products, {VARIANTS: variants}))

    assert held(shops, OURS)["products"] == {"products": 250, "variants": 10_000}


def test_an_empty_page_stores_nothing(shops: Session) -> None:
    store(shops, OURS, Batch(PRODUCTS, []))

    assert titles(shops) == []


def test_what_we_hold_is_counted_by_shop(shops: Session, now: datetime) -> None:
    store(shops, OURS, page(now))
    store(shops, THEIRS, Batch(CUSTOMERS, [customer(5, now)]))

    assert held(shops, OURS, ["products", "customers", "orders"]) == {
        "products": {"products": 1, "variants": 1},
        "customers": {"customers": 0},
        "orders": {"orders": 0, "line_items": 0, "refunds": 0},
    }


def test_the_app_is_told_when_each_resource_was_synced_last(shops: Session, now: datetime) -> None:
    note_synced(shops, OURS, ["products"], now=now - timedelta(days=1))

    note_synced(shops, OURS, ["products", "orders"], now=now)

    found = shops.execute(select(SyncState.resource, SyncState.last_synced_at).order_by(SyncState.resource)).all()
    assert [tuple(row) for row in found] == [("orders", now), ("products", now)]
