"""The shops of this sandbox: what each is, what it holds, and what is open against it."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import cast

from sync_core.sandbox.catalogue import CatalogueProducts
from sync_core.sandbox.config import SandboxConfig
from sync_core.sandbox.content import Articles, Blogs, Collections, Pages, Policies, Rule
from sync_core.sandbox.cost import Bucket
from sync_core.sandbox.draws import VARIANT_STRIDE, first_id
from sync_core.sandbox.factory import Customers, Products
from sync_core.sandbox.faults import Faults
from sync_core.sandbox.moments import Clock
from sync_core.sandbox.orders import Orders
from sync_core.sandbox.rows import Ref
from sync_core.sandbox.settings import ShopSettings, draw_settings
from sync_core.sandbox.state import Journal
from sync_core.sandbox.table import UPDATED, Order, Row, Table

TABLES = {
    "Product": "products", "ProductVariant": "variants", "Customer": "customers", "Order": "orders",
    "Collection": "collections", "Page": "pages", "Blog": "blogs", "Article": "articles",
    "ShopPolicy": "policies",
}  # fmt: skip


class VariantTable:
    """All variants of the products table as one table, without copying them."""

    kind = "ProductVariant"

    def __init__(self, products: Table, base: Products, first: int) -> None:
        self.products, self.base, self.first = products, base, first
        self._orders: dict[str, Order] = {}
        self._seen: object = None

    def __len__(self) -> int:
        base, products = self.base, self.products
        hidden = [number - self.first for number in (*products.gone, *products.changed)]
        replaced = sum(base.variant_count(position) for position in hidden if position < len(base))
        return self._base_size - replaced + sum(len(row["variants"]) for row in products.changed.values())

    @cached_property
    def _base_size(self) -> int:
        return sum(map(self.base.variant_count, range(len(self.base))))

    def has(self, number: int) -> bool:
        position, variant = divmod(number - self.first, VARIANT_STRIDE)
        product = self.first + position
        if product in self.products.changed:
            return self.get(number) is not None
        return self.products.has(product) and variant < self.base.variant_count(position)

    def get(self, number: int) -> Row | None:
        position, variant = divmod(number - self.first, VARIANT_STRIDE)
        changed = self.products.changed.get(self.first + position)
        if changed is not None:
            wanted = str(number)
            return next((row for row in changed["variants"] if row["legacyResourceId"] == wanted), None)
        return self.base.variant(position, variant) if self.has(number) else None

    def stamp(self, name: str, number: int) -> int:
        return self.products.stamp(name, self.first + (number - self.first) // VARIANT_STRIDE)

    def order(self, key: str) -> Order:
        """Sorted as asked; kept until the products change."""
        seen = self.products.order("ID")
        if self._seen is not seen:
            self._seen, self._orders = seen, {}
        if key not in self._orders:
            self._orders[key] = self._sorted(key, seen.ids)
        return self._orders[key]

    def rows(self) -> Iterator[Row]:
        for product in self.products.rows():
            yield from product["variants"]

    def _sorted(self, key: str, products: Sequence[int]) -> Order:
        if key != "ID":
            pairs = sorted((self.stamp(key, number), number) for number in self.order("ID").ids)
            return Order([stamp for stamp, _ in pairs], [number for _, number in pairs])
        ids = array("q")
        for product in products:
            if product in self.products.changed:
                rows = self.products.changed[product]["variants"]
                ids.extend(sorted(int(row["legacyResourceId"]) for row in rows))
            else:
                start = self.first + (product - self.first) * VARIANT_STRIDE
                ids.extend(range(start, start + self.base.variant_count(product - self.first)))
        return Order(ids, ids)


class Vendors:
    """Which products are whose, made anew after an edit of any."""

    def __init__(self, products: Table) -> None:
        self.products = products
        self._by: dict[str, list[int]] = {}
        self._seen: object = None

    def members(self, vendor: str | None) -> list[int]:
        """The products of a vendor, or all, by id."""
        order = self.products.order("ID")
        if vendor is None:
            return list(order.ids)
        if self._seen is not order:
            self._seen, self._by = order, {}
            for number in order.ids:
                self._by.setdefault(self.products[number]["vendor"], []).append(number)
        return self._by.get(vendor, [])


class Shop:
    """One shop: settings, tables (made on first use), bucket, faults."""

    def __init__(self, settings: ShopSettings, config: SandboxConfig, clock: Clock) -> None:
        self.settings, self.config, self.clock = settings, config, clock
        self.faults = Faults(settings.key)
        self.bucket = self.new_bucket(settings)

    def new_bucket(self, settings: ShopSettings) -> Bucket:
        return Bucket(
            self.clock,
            maximum=settings.bucket or self.config.bucket,
            restore_per_second=settings.restore_per_second or self.config.restore_per_second,
        )

    @property
    def domain(self) -> str:
        return self.settings.domain

    @property
    def throttled(self) -> bool:
        return self.config.throttle if self.settings.throttle is None else self.settings.throttle

    @property
    def latency_seconds(self) -> float:
        own = self.settings.latency_ms
        return (self.config.latency_ms if own is None else own) / 1_000

    @property
    def bulk_objects_per_second(self) -> float | None:
        """How fast bulk operations write; None: as fast as it goes, 0: never."""
        own = self.settings.bulk_objects_per_second
        return self.config.bulk_objects_per_second if own is None else own

    @cached_property
    def base(self) -> Products:
        """Where products come from: a file, or chance."""
        if self.settings.catalogue:
            return CatalogueProducts(self.settings)
        return Products(self.settings, self.settings.products)

    @cached_property
    def products(self) -> Table:
        return Table(self.base)

    @cached_property
    def variants(self) -> VariantTable:
        return VariantTable(self.products, self.base, first_id(self.settings.key))

    @cached_property
    def customers(self) -> Table:
        return Table(Customers(self.settings, self.settings.customers))

    @cached_property
    def orders(self) -> Table:
        return Table(Orders(self.settings, self.settings.orders, self.base, self.settings.customers))

    @cached_property
    def collections(self) -> Table:
        return Table(Collections(self.settings, self.settings.collections, len(self.base)))

    @cached_property
    def pages(self) -> Table:
        return Table(Pages(self.settings, self.settings.pages))

    @cached_property
    def blogs(self) -> Table:
        return Table(Blogs(self.settings, self.settings.blogs))

    @cached_property
    def articles(self) -> Table:
        return Table(Articles(self.settings, self.settings.articles))

    @cached_property
    def policies(self) -> Table:
        return Table(Policies(self.settings, self.settings.policies))

    def members(self, chosen: Rule | Sequence[Ref]) -> list[int]:
        """The products of a collection that are still there, by id."""
        if not isinstance(chosen, Rule):
            return [ref.number for ref in chosen if self.products.has(ref.number)]
        return self._vendors.members(chosen.vendor)

    @cached_property
    def _vendors(self) -> Vendors:
        return Vendors(self.products)

    def table(self, kind: str) -> Table | VariantTable:
        """The table of a type name in TABLES. Raises KeyError."""
        return cast(Table | VariantTable, getattr(self, TABLES[kind]))

    def updated_at(self) -> int:
        """When anything of the shop last changed."""
        stamps = [self.products.stamp(UPDATED, number) for number in self.products.changed]
        return max([self.settings.as_of, *stamps])


class Shops:
    """Every shop asked for so far; an unknown domain becomes a made-up shop. Settings survive in the journal."""

    def __init__(self, config: SandboxConfig, journal: Journal, clock: Clock) -> None:
        self.config, self.journal, self.clock = config, journal, clock
        self._shops: dict[str, Shop] = {}
        for body in journal.find("shop").values():
            self._add(ShopSettings.from_json(body))

    def __iter__(self) -> Iterator[Shop]:
        return iter(self._shops.values())

    def get(self, domain: str) -> Shop:
        if domain not in self._shops:
            return self.put(draw_settings(domain, self.config, int(self.clock())))
        return self._shops[domain]

    def put(self, settings: ShopSettings) -> Shop:
        """Make or remake a shop; edits of its former rows and its faults are gone."""
        settings = settings.changed({"key": self._free_key(settings)})
        self.journal.put("shop", settings.domain, settings.as_json())
        for key in self.journal.find("edit", f"{settings.domain} "):
            self.journal.drop("edit", key)
        self.journal.drop("fault", settings.domain)
        return self._add(settings)

    def adjust(self, settings: ShopSettings) -> Shop:
        """Changes a shop; its rows and edits stay unless a setting that makes rows changed."""
        shop = self.get(settings.domain)
        if not shop.settings.differs_in_rules_only(settings):
            return self.put(settings)
        self.journal.put("shop", settings.domain, settings.as_json())
        shop.settings, shop.bucket = settings, shop.new_bucket(settings)
        return shop

    def _add(self, settings: ShopSettings) -> Shop:
        self._shops[settings.domain] = Shop(settings, self.config, self.clock)
        return self._shops[settings.domain]

    def _free_key(self, settings: ShopSettings) -> int:
        taken = {shop.settings.key for shop in self if shop.domain != settings.domain}
        key = settings.key
        while key in taken:
            key += 1
        return key
