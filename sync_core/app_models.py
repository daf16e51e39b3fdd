"""The app's own tables: names and columns as the app has them.

Source: the design page "Data". They belong to another program; we create them only where they
are absent, and write only the columns named here.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Enum, ForeignKey, MetaData, Numeric, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from sync_core.columns import UtcMs


class AppBase(DeclarativeBase):
    """Tables of the app that we stand on; created by us only where they are absent."""

    metadata = MetaData()


SyncStatus = Enum(
    "PENDING", "IN_PROGRESS", "COMPLETED", "FAILED", name="SyncStatus", create_type=False, create_constraint=False
)


class Shop(AppBase):
    """One merchant's shop, as the app stores it. Columns that are not ours survive our writes."""

    __tablename__ = "Shop"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    shop_domain: Mapped[str] = mapped_column("shopDomain", Text, unique=True)
    access_token: Mapped[str] = mapped_column("accessToken", Text)
    scopes: Mapped[str] = mapped_column(Text, server_default="")
    installed_at: Mapped[datetime] = mapped_column("installedAt", UtcMs)
    uninstalled_at: Mapped[datetime | None] = mapped_column("uninstalledAt", UtcMs)
    currency_code: Mapped[str] = mapped_column("currencyCode", Text, server_default="USD")
    sync_status: Mapped[str] = mapped_column("syncStatus", SyncStatus, server_default="PENDING")
    last_sync_at: Mapped[datetime | None] = mapped_column("lastSyncAt", UtcMs)


class Product(AppBase):
    __tablename__ = "Product"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    shop_id: Mapped[str] = mapped_column("shopId", ForeignKey("Shop.id"), index=True)
    shopify_id: Mapped[str] = mapped_column("shopifyId", Text, unique=True)
    title: Mapped[str] = mapped_column(Text)
    handle: Mapped[str] = mapped_column(Text)
    vendor: Mapped[str | None] = mapped_column(Text)
    product_type: Mapped[str | None] = mapped_column("productType", Text)
    created_at: Mapped[datetime] = mapped_column("createdAt", UtcMs)
    updated_at: Mapped[datetime] = mapped_column("updatedAt", UtcMs)


class Variant(AppBase):
    __tablename__ = "Variant"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    product_id: Mapped[str] = mapped_column("productId", ForeignKey("Product.id"), index=True)
    shopify_id: Mapped[str] = mapped_column("shopifyId", Text, unique=True)
    title: Mapped[str] = mapped_column(Text)
    sku: Mapped[str | None] = mapped_column(Text)
    price: Mapped[Decimal] = mapped_column(Numeric(10, 2))
    cost: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
    inventory_quantity: Mapped[int | None] = mapped_column("inventoryQuantity")


class Customer(AppBase):
    __tablename__ = "Customer"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    shop_id: Mapped[str] = mapped_column("shopId", ForeignKey("Shop.id"), index=True)
    shopify_id: Mapped[str] = mapped_column("shopifyId", Text, unique=True)
    email: Mapped[str | None] = mapped_column(Text)
    first_name: Mapped[str | None] = mapped_column("firstName", Text)
    last_name: Mapped[str | None] = mapped_column("lastName", Text)
    created_at: Mapped[datetime] = mapped_column("createdAt", UtcMs)


class Order(AppBase):
    __tablename__ = "Order"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    shop_id: Mapped[str] = mapped_column("shopId", ForeignKey("Shop.id"), index=True)
    shopify_id: Mapped[str] = mapped_column("shopifyId", Text, unique=True)
    customer_id: Mapped[str | None] = mapped_column("customerId", ForeignKey("Customer.id"), index=True)
    order_number: Mapped[str] = mapped_column("orderNumber", Text)
    total_price: Mapped[Decimal] = mapped_column("totalPrice", Numeric(10, 2))
    subtotal_price: Mapped[Decimal] = mapped_column("subtotalPrice", Numeric(10, 2))
    total_tax: Mapped[Decimal] = mapped_column("totalTax", Numeric(10, 2))
    total_discounts: Mapped[Decimal] = mapped_column("totalDiscounts", Numeric(10, 2))
    currency: Mapped[str] = mapped_column(Text)
    financial_status: Mapped[str | None] = mapped_column("financialStatus", Text)
    fulfillment_status: Mapped[str | None] = mapped_column("fulfillmentStatus", Text)
    created_at: Mapped[datetime] = mapped_column("createdAt", UtcMs, index=True)
    updated_at: Mapped[datetime] = mapped_column("updatedAt", UtcMs)


class OrderLineItem(AppBase):
    __tablename__ = "OrderLineItem"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    order_id: Mapped[str] = mapped_column("orderId", ForeignKey("Order.id"), index=True)
    shopify_id: Mapped[str] = mapped_column("shopifyId", Text, unique=True)
    product_id: Mapped[str | None] = mapped_column("productId", Text)
    variant_id: Mapped[str | None] = mapped_column("variantId", Text)
    title: Mapped[str] = mapped_column(Text)
    quantity: Mapped[int] = mapped_column()
    price: Mapped[Decimal] = mapped_column(Numeric(10, 2))
    total_discount: Mapped[Decimal] = mapped_column("totalDiscount", Numeric(10, 2))


class Refund(AppBase):
    __tablename__ = "Refund"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    order_id: Mapped[str] = mapped_column("orderId", ForeignKey("Order.id"), index=True)
    shopify_id: Mapped[str] = mapped_column("shopifyId", Text, unique=True)
    amount: Mapped[Decimal] = mapped_column(Numeric(10, 2))
    created_at: Mapped[datetime] = mapped_column("createdAt", UtcMs)


class SyncState(AppBase):
    """Written when a sync completes, for the app's sake; never read by us."""

    __tablename__ = "SyncState"
    __table_args__ = (UniqueConstraint("shopId", "resource"),)

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    shop_id: Mapped[str] = mapped_column("shopId", ForeignKey("Shop.id"))
    resource: Mapped[str] = mapped_column(Text)
    last_id: Mapped[str | None] = mapped_column("lastId", Text)
    last_synced_at: Mapped[datetime | None] = mapped_column("lastSyncedAt", UtcMs)
