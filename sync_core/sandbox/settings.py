"""What one made-up shop is like: given by a test, by options, or drawn from its name."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from sync_core.sandbox.config import BadOption, SandboxConfig, variant_range
from sync_core.sandbox.draws import draw, key_of, name_words
from sync_core.sandbox.words import HINTS, PLACES, PLANS, TRADES

PRODUCTS = {"small": (5, 40), "mixed": (20, 400), "large": (2_000, 20_000)}
# Settings that change what is answered, never which rows there are.
RULES = (
    "plan", "scopes", "protected_level", "order_window_days", "latency_ms", "throttle", "bucket", "restore_per_second",
    "bulk_access", "bulk_slots", "bulk_objects_per_second",
)  # fmt: skip
BULK_ACCESS = ("granted", "denied", "refused")
SIZED = ("products", "customers", "orders", "collections", "pages", "blogs", "articles", "policies")
BIG_SHARE, BIG = 8, (1_200, 2_400)


@dataclass(frozen=True, kw_only=True)
class ShopSettings:
    """One shop. `as_of` (seconds) is when its past ends; ids come from `key`, never from sizes."""

    domain: str
    key: int
    as_of: int
    seed: int = 1
    name: str
    trade: str
    plan: str
    timezone: str
    currency: str
    country: str
    province: str
    city: str
    email: str
    products: int
    variants: tuple[int, int] = (1, 6)
    customers: int
    orders: int
    lines: tuple[int, int] = (1, 5)
    collections: int = 8
    pages: int = 6
    blogs: int = 2
    articles: int = 9
    policies: int = 4
    catalogue: str | None = None
    scopes: tuple[str, ...] | None = None
    protected_level: int = 2
    order_window_days: int | None = None
    latency_ms: float | None = None
    throttle: bool | None = None
    bucket: int | None = None
    restore_per_second: int | None = None
    bulk_access: str = "granted"
    """granted, denied (ACCESS_DENIED beside the data) or refused (said in userErrors)."""
    bulk_slots: int = 5
    bulk_objects_per_second: float | None = None
    """0: operations never move. None: what the sandbox was started with."""

    def changed(self, changes: dict[str, Any]) -> ShopSettings:
        """A copy with some fields replaced. Raises BadOption for an unknown field or a wrong value."""
        known = {field.name for field in fields(self)} - {"domain"}
        if unknown := sorted(changes.keys() - known):
            raise BadOption(f"unknown setting {', '.join(unknown)}; known: {', '.join(sorted(known))}")
        return replace(self, **{name: _value(name, value) for name, value in changes.items()})

    def differs_in_rules_only(self, other: ShopSettings) -> bool:
        """Whether the other has the same rows."""
        return replace(other, **{name: getattr(self, name) for name in RULES}) == self

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> ShopSettings:
        """The inverse of as_json after a trip through JSON."""
        return cls(**{name: _frozen(value) for name, value in body.items()})

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _value(name: str, value: Any) -> Any:
    if name in ("variants", "lines"):
        return variant_range(value)
    if name == "scopes" and value is not None:
        return tuple(value)
    if name == "bulk_access" and value not in BULK_ACCESS:
        raise BadOption(f"bulk_access is {value!r}; expected one of {', '.join(BULK_ACCESS)}")
    if name in SIZED and (not isinstance(value, int) or value < 0):
        raise BadOption(f"{name} is {value!r}; expected a whole number >= 0")
    return value


def draw_settings(domain: str, config: SandboxConfig, as_of: int) -> ShopSettings:
    """The settings of a shop nobody described: believable, the same for the same seed and domain."""
    root = draw(key_of(domain), config.seed)
    words = name_words(domain)
    timezone, currency, country, province, city = PLACES[root % len(PLACES)]
    products = config.products if config.products is not None else _size(root, config.sizes)
    return ShopSettings(
        domain=domain,
        key=key_of(domain),
        as_of=as_of,
        seed=config.seed,
        name=" ".join(word.capitalize() for word in words) or domain,
        trade=_trade(words, root),
        plan=PLANS[(root >> 7) % len(PLANS)],
        timezone=timezone,
        currency=currency,
        country=country,
        province=province,
        city=city,
        email=f"hello@{'-'.join(words) or 'shop'}.example.com",
        products=products,
        variants=config.variants or (1, 6),
        customers=config.customers if config.customers is not None else products + (root >> 9) % (products + 1),
        orders=config.orders if config.orders is not None else products + (root >> 13) % (2 * products + 1),
        catalogue=config.catalogues.get(domain),
        scopes=config.scopes,
    )


def _size(root: int, sizes: str) -> int:
    low, high = PRODUCTS[sizes]
    if sizes == "mixed" and (root >> 17) % 100 < BIG_SHARE:
        low, high = BIG
    share = ((root >> 23) % 1_000 / 1_000) ** 2
    return low + int((high - low) * share)


def _trade(words: list[str], root: int) -> str:
    text = "".join(words)
    for trade, hints in HINTS.items():
        if any(hint in text for hint in hints):
            return trade
    return tuple(TRADES)[(root >> 3) % len(TRADES)]
