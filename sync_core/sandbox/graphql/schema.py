"""The part of Shopify's schema that the sandbox serves, and who may read what of it."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

from graphql import GraphQLSchema, build_schema

# https://shopify.dev/docs/api/usage/access-scopes: an object needs the read scope of its kind.
SCOPES = {
    "Product": "read_products",
    "ProductConnection": "read_products",
    "ProductVariant": "read_products",
    "ProductVariantConnection": "read_products",
    "Customer": "read_customers",
    "CustomerConnection": "read_customers",
    "Order": "read_orders",
    "OrderConnection": "read_orders",
    "Collection": "read_products",
    "CollectionConnection": "read_products",
    "Page": "read_content",
    "PageConnection": "read_content",
    "Blog": "read_content",
    "BlogConnection": "read_content",
    "Article": "read_content",
    "ArticleConnection": "read_content",
    "ShopPolicy": "read_legal_policies",
}
SERVES_AS_WELL = {"read_content": "read_online_store_pages"}
DENIED_WHOLE = {("Shop", "shopPolicies")}
"""Required fields below the root that need a scope: a denial leaves no data at all."""
COUNT_SCOPES = {
    "productsCount": "read_products",
    "productVariantsCount": "read_products",
    "customersCount": "read_customers",
    "ordersCount": "read_orders",
    "collectionsCount": "read_products",
    "pagesCount": "read_content",
    "blogsCount": "read_content",
}
# Protected customer data: level 1 opens these objects, level 2 these fields as well.
PROTECTED_OBJECTS = {
    "Customer": "Customer",
    "CustomerConnection": "Customer",
    "Order": "Order",
    "OrderConnection": "Order",
}
PROTECTED_FIELDS = {
    ("Customer", "firstName"),
    ("Customer", "lastName"),
    ("Customer", "email"),
    ("Customer", "phone"),
    ("Customer", "defaultEmailAddress"),
    ("Customer", "defaultPhoneNumber"),
    ("Order", "email"),
    ("Order", "phone"),
}


@lru_cache(maxsize=1)
def load_schema() -> GraphQLSchema:
    """schema.graphql, built once."""
    return build_schema(files(__package__).joinpath("schema.graphql").read_text(encoding="utf-8"))
