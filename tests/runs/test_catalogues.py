"""Shopify's own sample catalogues, synced and compared with an independent reading of their files."""

from __future__ import annotations

import csv
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select

from sync_core.app_models import Product, Variant
from sync_core.sandbox.running import Running
from tests.runs.conftest import DOMAIN, Bench

CATALOGUES = Path(__file__).resolve().parents[2].parent / "shared" / "data"

Found = Counter[tuple[str, str, str, str, Decimal]]


@pytest.mark.parametrize("name", ["apparel", "home-and-garden", "jewelery"])
def test_a_sample_catalogue_arrives_to_the_row(bench: Bench, sandbox: Running, name: str) -> None:
    path = CATALOGUES / f"{name}.csv"
    if not path.is_file():
        pytest.skip(f"{name}.csv is not beside the repository")
    sandbox.control.put_shop(DOMAIN, catalogue=str(path), customers=0, orders=0, keep=True)

    bench.run()

    assert _stored(bench) == _read(path)


def _read(path: Path) -> Found:
    """(handle, title, vendor, options, price) of each variant row of the export."""
    found: Found = Counter()
    title = vendor = ""
    with path.open(newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            if row["Title"]:
                title, vendor = row["Title"], row["Vendor"]
            if row["Variant Price"]:
                values = [row[f"Option{n} Value"].strip() for n in (1, 2, 3)]
                options = " / ".join(value for value in values if value)
                found[row["Handle"], title, vendor, options, Decimal(row["Variant Price"])] += 1
    return found


def _stored(bench: Bench) -> Found:
    query = select(Product.handle, Product.title, Product.vendor, Variant.title, Variant.price)
    with bench.tools.database.read() as session:
        rows = session.execute(query.join(Variant, Variant.product_id == Product.id))
        return Counter((handle, title, vendor or "", options, price) for handle, title, vendor, options, price in rows)
