"""Products and customers made from (seed, domain, position): any size, nothing stored, always the same."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from sync_core.sandbox.draws import VARIANT_STRIDE, draw, first_id
from sync_core.sandbox.moments import DAY_SECONDS, iso
from sync_core.sandbox.rows import cents, gid, money, product_row, variant_row
from sync_core.sandbox.settings import ShopSettings
from sync_core.sandbox.table import Made, Row
from sync_core.sandbox.words import COLOURS, FIRST_NAMES, LAST_NAMES, SIZES, TRADES, VENDORS

HISTORY_DAYS = {
    "Product": 720, "Customer": 540, "Order": 365, "Collection": 700, "Page": 600, "Blog": 650, "Article": 500,
    "ShopPolicy": 400,
}  # fmt: skip
STEP_CENTS = 250


class Facts(NamedTuple):
    """What a product's variants share; kept for the few products being read."""

    title: str
    variants: int
    price: int
    created: str
    updated: str
    on_sale: bool
    has_cost: bool


class Factory:
    """Rows of one kind; position i has id first + i and was made i/n through the shop's history."""

    kind = ""
    salt = 0

    def __init__(self, settings: ShopSettings, size: int) -> None:
        self.settings, self.size = settings, size
        self.first = first_id(settings.key)
        self.key = draw(settings.key, settings.seed * 16 + self.salt)
        self.span = HISTORY_DAYS[self.kind] * DAY_SECONDS
        self.start = settings.as_of - self.span

    def __len__(self) -> int:
        return self.size

    def id_at(self, position: int) -> int:
        return self.first + position

    def position_of(self, number: int) -> int | None:
        position = number - self.first
        return position if 0 <= position < self.size else None

    def row(self, position: int) -> Row:
        """The object as the Admin API has it."""
        raise NotImplementedError

    def created(self, position: int) -> int:
        """Spread evenly over the history; a row added later was made at its end."""
        if position >= self.size:
            return self.settings.as_of
        return self.start + (2 * position + 1) * self.span // (2 * self.size)

    def updated(self, position: int) -> int:
        made = self.created(position)
        return made + (self.settings.as_of - made) * (draw(self.key ^ 1, position) % 1_000) // 1_000


class Products(Factory):
    """Made-up products, each with variants in the settings' range."""

    kind, salt = "Product", 1

    def __init__(self, settings: ShopSettings, size: int) -> None:
        super().__init__(settings, size)
        self.prefix = settings.trade[:3].upper()
        self.facts = lru_cache(maxsize=512)(self._facts)

    def sku(self, position: int, variant: int) -> str | None:
        return f"{self.prefix}-{position + 1:05}-{variant + 1:02}"

    def variant_count(self, position: int) -> int:
        low, high = self.settings.variants
        return low + draw(self.key ^ 2, position) % (high - low + 1)

    def price(self, position: int, variant: int) -> int:
        """In cents; ends in 5 or 0, a little more for each step up in size."""
        return 990 + draw(self.key ^ 3, position) % 180 * 100 + variant % 6 * STEP_CENTS

    def title(self, position: int) -> str:
        firsts, materials, nouns = TRADES[self.settings.trade]
        pool = len(firsts) * len(materials) * len(nouns)
        # 7 shares no factor with the pool, so the first 1,000 titles all differ.
        pick, round_number = (position * 7 + self.key % pool) % pool, position // pool
        rest, noun = divmod(pick * 337 % pool, len(nouns))
        first, material = divmod(rest, len(materials))
        title = f"{firsts[first]} {materials[material]} {nouns[noun]}"
        return title if not round_number else f"{title} No. {round_number + 1}"

    def axes(self, count: int) -> list[tuple[str, list[str]]]:
        """The options of a product with so many variants: none, one, or colours times sizes."""
        if count == 1:
            return [("Title", ["Default Title"])]
        if count <= len(SIZES):
            return [("Size", list(SIZES[:count]))]
        colours = -(-count // len(SIZES))
        return [
            ("Colour", [COLOURS[i] if i < len(COLOURS) else f"Colour {i + 1}" for i in range(colours)]),
            ("Size", list(SIZES)),
        ]

    def _facts(self, position: int) -> Facts:
        bits = draw(self.key ^ 5, position)
        return Facts(
            title=self.title(position),
            variants=self.variant_count(position),
            price=self.price(position, 0),
            created=iso(self.created(position)),
            updated=iso(self.updated(position)),
            on_sale=bits & 3 == 0,
            has_cost=bits >> 2 & 7 != 0,
        )

    def row(self, position: int) -> Row:
        facts, bits = self.facts(position), draw(self.key ^ 4, position)
        title, count = facts.title, facts.variants
        return product_row(
            number=self.id_at(position),
            title=title,
            vendor=VENDORS[bits % len(VENDORS)],
            kind=title.split(" No. ")[0].rsplit(" ", 1)[-1],
            tags=["new"] * (bits >> 5 & 1) + ["sale"] * (bits >> 6 & 1) + [self.settings.trade],
            status=("ACTIVE", "ACTIVE", "ACTIVE", "ACTIVE", "ACTIVE", "ACTIVE", "DRAFT", "ARCHIVED")[bits >> 8 & 7],
            body=f"<p>{title}, made for years of use.</p>",
            created=facts.created,
            updated=facts.updated,
            shop=self.settings,
            axes=self.axes(count),
            prices=(facts.price, facts.price + (min(count, 6) - 1) * STEP_CENTS),
            inventory=sum(self.stock(position, variant) for variant in range(count)),
            variants=Made(lambda variant: self.variant(position, variant), count),
        )

    def stock(self, position: int, variant: int) -> int:
        return (position * 31 + variant * 17 + (self.key & 255)) % 120

    def variant_id(self, position: int, variant: int) -> int:
        return self.first + position * VARIANT_STRIDE + variant

    def variant(self, position: int, variant: int) -> Row:
        facts = self.facts(position)
        price = facts.price + variant % 6 * STEP_CENTS
        return variant_row(
            number=self.variant_id(position, variant),
            product=self.id_at(position),
            product_title=facts.title,
            options=self.options(position, variant),
            sku=self.sku(position, variant),
            barcode=str(2_000_000_000_000 + position * VARIANT_STRIDE + variant),
            position=variant + 1,
            price=cents(price),
            compare_at=cents(price * 5 // 4) if facts.on_sale else None,
            cost=cents(price * 9 // 20) if facts.has_cost else None,
            quantity=self.stock(position, variant),
            policy="DENY",
            currency=self.settings.currency,
            created=facts.created,
            updated=facts.updated,
        )

    def options(self, position: int, variant: int) -> list[tuple[str, str]]:
        """[(option name, value)] of one variant."""
        count = self.variant_count(position)
        if count == 1:
            return [("Title", "Default Title")]
        if count <= len(SIZES):
            return [("Size", SIZES[variant])]
        colour, size = divmod(variant, len(SIZES))
        return [("Colour", COLOURS[colour] if colour < len(COLOURS) else f"Colour {colour + 1}"), ("Size", SIZES[size])]


class Customers(Factory):
    """Made-up people with addresses under example.com."""

    kind, salt = "Customer", 2

    def row(self, position: int) -> Row:
        bits = draw(self.key, position)
        first = FIRST_NAMES[bits % len(FIRST_NAMES)]
        last = LAST_NAMES[(bits >> 8) % len(LAST_NAMES)]
        mail = f"{first}.{last}.{position + 1}@example.com".lower().replace("'", "").replace("ö", "o")
        number, bought = self.id_at(position), (bits >> 16) % 9
        return {
            "__typename": "Customer",
            "id": gid("Customer", number),
            "legacyResourceId": str(number),
            "createdAt": iso(self.created(position)),
            "updatedAt": iso(self.updated(position)),
            "state": "ENABLED" if bits >> 20 & 1 else "DISABLED",
            "tags": ["vip"] if bought > 6 else [],
            "locale": "en",
            "numberOfOrders": str(bought),
            "amountSpent": money(cents(bought * (2_500 + (bits >> 24) % 9_000)), self.settings.currency),
            "displayName": f"{first} {last}",
            "firstName": first,
            "lastName": last,
            "email": mail,
            "phone": None,
            "defaultEmailAddress": {"emailAddress": mail, "marketingState": "NOT_SUBSCRIBED", "validFormat": True},
            "defaultPhoneNumber": None,
            "note": None,
            "verifiedEmail": True,
            "taxExempt": False,
        }
