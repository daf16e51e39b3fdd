"""Shopify's search syntax, as far as a sync uses it: `updated_at:>='2026-01-01' AND status:active`.

Terms are joined by AND (or a blank) and OR; `-` or NOT turns a term round; AND binds tighter. A term is
`field:value`, `field:>=value` and so on, or a word looked for in titles and names. `*` at the end of a value
matches any rest. Fields that are unknown are ignored, as Shopify does.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sync_core.sandbox.moments import seconds_of
from sync_core.sandbox.rows import number_of

if TYPE_CHECKING:
    from sync_core.sandbox.shops import VariantTable
    from sync_core.sandbox.table import Row, Table

Test = Callable[["Table | VariantTable", int], bool]
TERM = re.compile(
    r"""\s*(?P<not>-|NOT\s+)?(?:(?P<field>[a-z_]+):)?(?P<op>>=|<=|>|<|=)?"""
    r"""(?:'(?P<single>[^']*)'|"(?P<double>[^"]*)"|(?P<plain>[^\s()]+))"""
)
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "=": operator.eq, "": operator.eq,
}  # fmt: skip
STAMPS = {"updated_at": "updatedAt", "created_at": "createdAt", "processed_at": "createdAt"}
TEXTS = {
    "title": "title", "handle": "handle", "vendor": "vendor", "product_type": "productType", "status": "status",
    "sku": "sku", "barcode": "barcode", "name": "name", "email": "email", "first_name": "firstName",
    "last_name": "lastName", "state": "state", "financial_status": "displayFinancialStatus",
    "fulfillment_status": "displayFulfillmentStatus", "tag": "tags",
}  # fmt: skip


@lru_cache(maxsize=1_024)
def compile_search(query: str | None) -> Test | None:
    """A test for (table, id), or None when everything matches. Raises ValueError for an unreadable date or id."""
    alternatives = [_all(part) for part in re.split(r"\sOR\s", query or "")]
    if not alternatives or any(not tests for tests in alternatives):
        return None
    return lambda table, number: any(all(test(table, number) for test in tests) for tests in alternatives)


def lower_bound(query: str | None, field: str) -> int | None:
    """The seconds (or id) below which nothing matches, when the query is one plain `field:>=` term."""
    found = re.fullmatch(rf"\s*{field}:>=?\s*['\"]?([^'\"\s]+)['\"]?\s*", query or "")
    if found is None:
        return None
    return number_of(found[1]) if field == "id" else seconds_of(found[1])


def _all(part: str) -> list[Test]:
    terms = re.sub(r"(^|\s)AND(\s|$)", " ", part).replace("(", " ").replace(")", " ")
    return [test for found in TERM.finditer(terms) if (test := _test(found)) is not None]


def _test(found: re.Match[str]) -> Test | None:
    field, compare = found["field"], COMPARE[found["op"] or ""]
    value = next(text for text in (found["single"], found["double"], found["plain"]) if text is not None)
    test: Test
    if field == "id":
        wanted = number_of(value)
        if wanted is None:
            raise ValueError(f"Invalid id {value!r}")
        test = lambda _table, number: compare(number, wanted)  # noqa: E731
    elif field in STAMPS:
        name, moment = STAMPS[field], seconds_of(value)
        test = lambda table, number: compare(table.stamp(name, number), moment)  # noqa: E731
    elif field is None or field in TEXTS:
        test = _text_test(None if field is None else TEXTS[field], value)
    else:
        return None
    return test if not found["not"] else lambda table, number: not test(table, number)


def _text_test(name: str | None, value: str) -> Test:
    wanted, prefix = value.rstrip("*").lower(), value.endswith("*")

    def match(value: Any) -> bool:
        if value is None:
            return False
        text = str(value).lower()
        if name in (None, "title", "name"):
            return any(word.startswith(wanted) for word in (text, *text.split())) if prefix else wanted in text
        return text.startswith(wanted) if prefix else text == wanted

    def test(table: Table | VariantTable, number: int) -> bool:
        row = table.get(number)
        return row is not None and any(map(match, _texts(row, name)))

    return test


def _texts(row: Row, name: str | None) -> list[Any]:
    if name is None:
        return [row.get("title"), row.get("name"), row.get("displayName")]
    if name in ("sku", "barcode") and "variants" in row:
        return [variant[name] for variant in row["variants"]]
    value = row.get(name)
    return value if isinstance(value, list) else [value]
