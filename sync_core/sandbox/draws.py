"""Repeatable chance: the same (key, number) always draws the same 64 bits; ids that never meet across shops."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b

MASK = (1 << 64) - 1
KEY_BITS, OBJECT_BITS = 31, 31
VARIANT_STRIDE, LINE_STRIDE, REFUND_STRIDE = 2_048, 256, 8
# Objects added by an edit are numbered from here, so they never meet a made one: a shop makes at most so many.
ADDED = 1_000_000


def draw(key: int, number: int) -> int:
    """64 well-mixed bits (splitmix64)."""
    x = (key + (number + 1) * 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


@lru_cache(maxsize=4_096)
def key_of(domain: str) -> int:
    """A shop's own part of its ids, 31 bits, from its domain alone."""
    return int.from_bytes(blake2b(domain.encode(), digest_size=8).digest()) >> (64 - KEY_BITS)


def first_id(key: int) -> int:
    """Where a shop's ids begin; the next 2**31 numbers are its own. At most 62 bits, so it fits a signed integer."""
    return (key or 1) << OBJECT_BITS


def child_id(number: int, stride: int, place: int) -> int:
    """An id for something that belongs to an object, inside the shop's own range."""
    key, offset = divmod(number, 1 << OBJECT_BITS)
    return (key << OBJECT_BITS) + offset * stride + place


def name_words(domain: str) -> list[str]:
    """`northern-oak.myshopify.com` → ["northern", "oak"]."""
    return [word for word in re.split(r"[^a-z0-9]+", domain.partition(".")[0]) if word]
