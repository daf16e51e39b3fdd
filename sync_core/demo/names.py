"""Made-up shops of the demo."""

from __future__ import annotations

import random

FIRST = (
    "Alder Birch Calm Dune Ember Fern Golden Harbor Indigo Juniper Kind Linen Maple Nordic Old Paper "
    "Quiet River Salt Tide Umber Velvet Willow Yarrow Zephyr Atelier Casa Luna Petit Studio"
).split()
SECOND = (
    "Books Candles Ceramics Coffee Cycles Denim Garden Goods Home Kitchen Lamps Leather Market Mill Paper "
    "Pottery Press Prints Records Skin Soap Socks Supply Tea Textiles Toys Trading Vine Watches Wool"
).split()


def domains(count: int, rng: random.Random) -> list[str]:
    """`count` different shop domains."""
    pairs = [f"{first}-{second}".lower() for first in FIRST for second in SECOND]
    return [f"{pair}.myshopify.com" for pair in rng.sample(pairs, count)]


def name_of(domain: str) -> str:
    """The shop's name: its domain in words."""
    return domain.split(".", 1)[0].replace("-", " ").title()
