"""The app's own tables: created where "Shop" is absent, else checked and left as they are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from sync_core.errors import SchemaMismatch
from sync_core.migrations.adoption import differences, holds_app_tables
from sync_core.migrations.tables import MOMENT, add_index

revision = "0001"
down_revision = None

WORDS = ("PENDING", "IN_PROGRESS", "COMPLETED", "FAILED")
STATUS = sa.String(11).with_variant(postgresql.ENUM(*WORDS, name="SyncStatus", create_type=False), "postgresql")


def upgrade() -> None:
    """Create the app's tables, or stand on those that are there. Errors: SchemaMismatch with each difference."""
    connection = op.get_bind()
    if not holds_app_tables(connection):
        _create()
        return
    found = differences(connection)
    if found:
        raise SchemaMismatch("the app's tables are not as expected: " + "; ".join(found))


def _create() -> None:
    if op.get_bind().dialect.name == "postgresql":
        postgresql.ENUM(*WORDS, name="SyncStatus").create(op.get_bind(), checkfirst=True)
    _shop()
    _product()
    _variant()
    _customer()
    _order()
    _orderlineitem()
    _refund()
    _syncstate()


def _shop() -> None:
    op.create_table(
        "Shop",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("shopDomain", sa.Text(), nullable=False, unique=True),
        sa.Column("accessToken", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False, server_default=""),
        sa.Column("installedAt", MOMENT, nullable=False),
        sa.Column("uninstalledAt", MOMENT),
        sa.Column("currencyCode", sa.Text(), nullable=False, server_default="USD"),
        sa.Column("syncStatus", STATUS, nullable=False, server_default="PENDING"),
        sa.Column("lastSyncAt", MOMENT),
    )


def _product() -> None:
    op.create_table(
        "Product",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("shopId", sa.Text(), sa.ForeignKey("Shop.id"), nullable=False),
        sa.Column("shopifyId", sa.Text(), nullable=False, unique=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("vendor", sa.Text()),
        sa.Column("productType", sa.Text()),
        sa.Column("createdAt", MOMENT, nullable=False),
        sa.Column("updatedAt", MOMENT, nullable=False),
    )
    add_index("ix_Product_shopId", "Product", ["shopId"])


def _variant() -> None:
    op.create_table(
        "Variant",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("productId", sa.Text(), sa.ForeignKey("Product.id"), nullable=False),
        sa.Column("shopifyId", sa.Text(), nullable=False, unique=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text()),
        sa.Column("price", sa.Numeric(10, 2), nullable=False),
        sa.Column("cost", sa.Numeric(10, 2)),
        sa.Column("inventoryQuantity", sa.Integer()),
    )
    add_index("ix_Variant_productId", "Variant", ["productId"])


def _customer() -> None:
    op.create_table(
        "Customer",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("shopId", sa.Text(), sa.ForeignKey("Shop.id"), nullable=False),
        sa.Column("shopifyId", sa.Text(), nullable=False, unique=True),
        sa.Column("email", sa.Text()),
        sa.Column("firstName", sa.Text()),
        sa.Column("lastName", sa.Text()),
        sa.Column("createdAt", MOMENT, nullable=False),
    )
    add_index("ix_Customer_shopId", "Customer", ["shopId"])


def _order() -> None:
    op.create_table(
        "Order",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("shopId", sa.Text(), sa.ForeignKey("Shop.id"), nullable=False),
        sa.Column("shopifyId", sa.Text(), nullable=False, unique=True),
        sa.Column("customerId", sa.Text(), sa.ForeignKey("Customer.id")),
        sa.Column("orderNumber", sa.Text(), nullable=False),
        sa.Column("totalPrice", sa.Numeric(10, 2), nullable=False),
        sa.Column("subtotalPrice", sa.Numeric(10, 2), nullable=False),
        sa.Column("totalTax", sa.Numeric(10, 2), nullable=False),
        sa.Column("totalDiscounts", sa.Numeric(10, 2), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("financialStatus", sa.Text()),
        sa.Column("fulfillmentStatus", sa.Text()),
        sa.Column("createdAt", MOMENT, nullable=False),
        sa.Column("updatedAt", MOMENT, nullable=False),
    )
    add_index("ix_Order_createdAt", "Order", ["createdAt"])
    add_index("ix_Order_customerId", "Order", ["customerId"])
    add_index("ix_Order_shopId", "Order", ["shopId"])


def _orderlineitem() -> None:
    op.create_table(
        "OrderLineItem",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("orderId", sa.Text(), sa.ForeignKey("Order.id"), nullable=False),
        sa.Column("shopifyId", sa.Text(), nullable=False, unique=True),
        sa.Column("productId", sa.Text()),
        sa.Column("variantId", sa.Text()),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("price", sa.Numeric(10, 2), nullable=False),
        sa.Column("totalDiscount", sa.Numeric(10, 2), nullable=False),
    )
    add_index("ix_OrderLineItem_orderId", "OrderLineItem", ["orderId"])


def _refund() -> None:
    op.create_table(
        "Refund",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("orderId", sa.Text(), sa.ForeignKey("Order.id"), nullable=False),
        sa.Column("shopifyId", sa.Text(), nullable=False, unique=True),
        sa.Column("amount", sa.Numeric(10, 2), nullable=False),
        sa.Column("createdAt", MOMENT, nullable=False),
    )
    add_index("ix_Refund_orderId", "Refund", ["orderId"])


def _syncstate() -> None:
    op.create_table(
        "SyncState",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("shopId", sa.Text(), sa.ForeignKey("Shop.id"), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("lastId", sa.Text()),
        sa.Column("lastSyncedAt", MOMENT),
        sa.UniqueConstraint("shopId", "resource"),
    )
