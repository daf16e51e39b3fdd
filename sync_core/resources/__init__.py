"""What a sync reads, in this order. Adding a resource: one file here, one line in the table."""

from __future__ import annotations

from collections.abc import Collection

from sync_core.resources import blogs, collections, customers, online_pages, orders, policies, products
from sync_core.resources.resource import Resource

RESOURCES: tuple[Resource, ...] = (
    products.RESOURCE,
    customers.RESOURCE,
    orders.RESOURCE,
    collections.RESOURCE,
    online_pages.RESOURCE,
    blogs.BLOGS_RESOURCE,
    blogs.ARTICLES_RESOURCE,
    policies.RESOURCE,
)
"""After the shop's identity. Customers come before the orders that name them."""


def chosen(names: Collection[str]) -> tuple[Resource, ...]:
    """Those of the names (SYNC_RESOURCES), in reading order."""
    return tuple(resource for resource in RESOURCES if resource.name in names)
