"""Products read from the CSV file that a merchant exports from Shopify ("Products > Export").

A product is the rows of one Handle, in any order of handles. Option names stand on its first row; a row without
option value, SKU and price only adds an image and makes no variant. Shopify reads an empty price as 0.00. Columns
that are missing read as empty. Rows without a handle are skipped, as Shopify's importer does.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import cached_property
from pathlib import Path

from sync_core.sandbox.config import BadOption
from sync_core.sandbox.factory import Products
from sync_core.sandbox.moments import iso
from sync_core.sandbox.rows import cents, product_row, variant_row
from sync_core.sandbox.settings import ShopSettings
from sync_core.sandbox.table import Row

OWN = Path(__file__).parent / "catalogues"
OPTIONS = (1, 2, 3)


class BadCatalogue(BadOption):
    """A file is not a product export; the message names file, line and column."""


@dataclass(frozen=True)
class CsvVariant:
    values: tuple[str, ...]
    sku: str | None
    barcode: str | None
    price: int
    compare_at: int | None
    cost: int | None
    quantity: int
    policy: str


@dataclass
class CsvProduct:
    """One handle of the file."""

    handle: str
    first: Mapping[str, str]
    names: tuple[str, ...]
    image: str | None = None
    variants: list[CsvVariant] = field(default_factory=list)

    def text(self, column: str) -> str:
        return self.first.get(column, "")

    @property
    def status(self) -> str:
        return (self.text("Status") or "active").upper()

    @property
    def published(self) -> bool:
        return (self.text("Published") or "true").lower() != "false"

    @property
    def tags(self) -> list[str]:
        """Sorted and once each, as Shopify keeps them."""
        return sorted({tag.strip() for tag in self.text("Tags").split(",") if tag.strip()}, key=str.lower)


def read_catalogue(path: str | Path) -> list[CsvProduct]:
    """The products of an export, in the file's order. Raises BadCatalogue."""
    found: dict[str, CsvProduct] = {}
    for line, row in _rows(Path(path)):
        handle = row.get("Handle", "").strip()
        if not handle:
            continue
        product = found.get(handle)
        if product is None:
            product = found[handle] = CsvProduct(handle, row, _option_names(row))
        product.image = product.image or row.get("Image Src") or None
        if _is_variant(row, product):
            product.variants.append(_variant(row, product, f"{path}, line {line}"))
    return list(found.values())


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, restkey="", restval="")
        if "Handle" not in (reader.fieldnames or ()):
            raise BadCatalogue(f"{path}: no column Handle; expected Shopify's product export")
        for row in reader:
            yield reader.line_num, {name.strip(): value for name, value in row.items() if name}


def _option_names(row: Mapping[str, str]) -> tuple[str, ...]:
    names = [row.get(f"Option{place} Name", "").strip() for place in OPTIONS]
    return tuple(name for name in names if name) or ("Title",)


def _is_variant(row: Mapping[str, str], product: CsvProduct) -> bool:
    if row is product.first:
        return True
    return any(row.get(column, "").strip() for column in ("Option1 Value", "Variant SKU", "Variant Price"))


def _variant(row: Mapping[str, str], product: CsvProduct, where: str) -> CsvVariant:
    values = tuple(row.get(f"Option{place} Value", "").strip() for place in OPTIONS[: len(product.names)])
    if not any(values):
        values = ("Default Title",)
    policy = row.get("Variant Inventory Policy", "").strip().upper() or "DENY"
    return CsvVariant(
        values=values,
        sku=row.get("Variant SKU", "").strip().lstrip("'") or None,
        barcode=row.get("Variant Barcode", "").strip().lstrip("'") or None,
        price=_cents(row, "Variant Price", where) or 0,
        compare_at=_cents(row, "Variant Compare At Price", where),
        cost=_cents(row, "Cost per item", where),
        quantity=int(_number(row, "Variant Inventory Qty", where) or 0),
        policy=policy if policy in ("DENY", "CONTINUE") else "DENY",
    )


def _number(row: Mapping[str, str], column: str, where: str) -> Decimal | None:
    text = row.get(column, "").strip()
    if not text:
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        raise BadCatalogue(f"{where}: {column} is {text!r}; expected a number") from None


def _cents(row: Mapping[str, str], column: str, where: str) -> int | None:
    amount = _number(row, column, where)
    return None if amount is None else int((amount * 100).to_integral_value())


class CatalogueProducts(Products):
    """A shop's products from a file instead of from chance; ids and times follow the same rules."""

    def __init__(self, settings: ShopSettings) -> None:
        self.items = read_catalogue(_path(settings.catalogue or ""))
        super().__init__(settings, len(self.items))

    def variant_count(self, position: int) -> int:
        return len(self.items[position].variants)

    def price(self, position: int, variant: int) -> int:
        return self.items[position].variants[variant].price

    def title(self, position: int) -> str:
        item = self.items[position]
        return item.text("Title") or item.handle

    def sku(self, position: int, variant: int) -> str | None:
        return self.items[position].variants[variant].sku

    def stock(self, position: int, variant: int) -> int:
        return self.items[position].variants[variant].quantity

    def options(self, position: int, variant: int) -> list[tuple[str, str]]:
        item = self.items[position]
        return list(zip(item.names, item.variants[variant].values, strict=False))

    @cached_property
    def _axes(self) -> list[list[tuple[str, list[str]]]]:
        return [[(name, _values(item, at)) for at, name in enumerate(item.names)] for item in self.items]

    def row(self, position: int) -> Row:
        item = self.items[position]
        prices = [variant.price for variant in item.variants]
        return product_row(
            number=self.id_at(position),
            title=self.title(position),
            handle=item.handle,
            vendor=item.text("Vendor") or self.settings.name,
            kind=item.text("Type"),
            tags=item.tags,
            status=item.status,
            published=item.published,
            body=item.text("Body (HTML)"),
            created=iso(self.created(position)),
            updated=iso(self.updated(position)),
            shop=self.settings,
            axes=self._axes[position],
            prices=(min(prices), max(prices)),
            inventory=sum(variant.quantity for variant in item.variants),
            variants=[self.variant(position, variant) for variant in range(len(item.variants))],
            image=item.image,
            seo=(item.text("SEO Title") or None, item.text("SEO Description") or None),
            gift_card=item.text("Gift Card").lower() == "true",
        )

    def variant(self, position: int, variant: int) -> Row:
        found = self.items[position].variants[variant]
        return variant_row(
            number=self.variant_id(position, variant),
            product=self.id_at(position),
            product_title=self.title(position),
            options=self.options(position, variant),
            sku=found.sku,
            barcode=found.barcode,
            position=variant + 1,
            price=cents(found.price),
            compare_at=None if found.compare_at is None else cents(found.compare_at),
            cost=None if found.cost is None else cents(found.cost),
            quantity=found.quantity,
            policy=found.policy,
            currency=self.settings.currency,
            created=iso(self.created(position)),
            updated=iso(self.updated(position)),
        )


def _values(item: CsvProduct, at: int) -> list[str]:
    """The distinct values of one option, in order of appearance."""
    return list(dict.fromkeys(variant.values[at] for variant in item.variants if at < len(variant.values)))


def _path(name: str) -> Path:
    """A file's path, or the name of a catalogue that ships with the sandbox."""
    own = OWN / f"{name}.csv"
    return own if own.is_file() else Path(name)
