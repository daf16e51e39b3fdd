"""What a sync reads, in this order. Adding a resource: one file here, one line in the table."""

from __future__ import annotations

from sync_core.resources import customers, orders, products
from sync_core.resources.resource import Resource

RESOURCES: tuple[Resource, ...] = (
    products.RESOURCE,
    customers.RESOURCE,
    orders.RESOURCE,
)
"""After the shop's identity. Customers come before the orders that name them."""
