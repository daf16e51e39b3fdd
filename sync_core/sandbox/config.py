"""Every option of the sandbox with its default; wrong values say what was expected."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

SIZES = ("small", "mixed", "large")
HOUR_SECONDS = 3600
REFRESH_SECONDS = 7_776_000


class BadOption(ValueError):
    """An option has a value the sandbox cannot use; the message names the option and the expected form."""


@dataclass(frozen=True, kw_only=True)
class SandboxConfig:
    """What a sandbox is started with. Sizes left None are drawn for each shop by `sizes`."""

    host: str = "127.0.0.1"
    client_id: str = "sandbox-key"
    client_secret: str = "sandbox-secret"
    app_name: str = "Shopsync"
    api_version: str = "2026-10"
    seed: int = 1
    sizes: str = "mixed"
    products: int | None = None
    variants: tuple[int, int] | None = None
    customers: int | None = None
    orders: int | None = None
    catalogues: Mapping[str, str] = field(default_factory=dict)
    scopes: tuple[str, ...] | None = None
    webhook_url: str | None = None
    webhook_retry_seconds: float = 1.0
    latency_ms: float = 0.0
    throttle: bool = True
    bucket: int = 2_000
    restore_per_second: int = 100
    bulk_objects_per_second: float | None = None
    token_seconds: int = HOUR_SECONDS
    refresh_seconds: int = REFRESH_SECONDS
    auto_install: bool = False
    state: str | None = None
    log_lines: int = 20_000


def load_config(
    *,
    catalogue: Iterable[str] = (),
    variants: str | int | None = None,
    **options: object,
) -> SandboxConfig:
    """A config from command-line values; None means "the default".

    `catalogue`: items `domain=path.csv`. `variants`: `5` (exactly) or `1-6`. Credentials fall back to
    SANDBOX_CLIENT_ID and SANDBOX_CLIENT_SECRET. Raises BadOption.
    """
    given = {name: value for name, value in options.items() if value is not None}
    given.setdefault("client_id", os.environ.get("SANDBOX_CLIENT_ID", SandboxConfig.client_id))
    given.setdefault("client_secret", os.environ.get("SANDBOX_CLIENT_SECRET", SandboxConfig.client_secret))
    if given.get("sizes", "mixed") not in SIZES:
        raise BadOption(f"--sizes is {given['sizes']!r}; expected one of {', '.join(SIZES)}")
    if variants is not None:
        given["variants"] = variant_range(variants)
    return SandboxConfig(catalogues=dict(map(catalogue_option, catalogue)), **given)  # type: ignore[arg-type]


def variant_range(value: str | int | Iterable[int]) -> tuple[int, int]:
    """`5` → (5, 5); `"1-6"` → (1, 6); (1, 6) → (1, 6)."""
    if isinstance(value, int):
        low = high = value
    elif isinstance(value, str):
        first, _, last = value.partition("-")
        if not (first.isdecimal() and (last or first).isdecimal()):
            raise BadOption(f"variants is {value!r}; expected a number such as 5 or a range such as 1-6")
        low, high = int(first), int(last or first)
    else:
        low, high = value
    if not 1 <= low <= high <= 2_048:
        raise BadOption(f"variants is {value!r}; expected 1 <= low <= high <= 2048")
    return low, high


def catalogue_option(item: str) -> tuple[str, str]:
    """`shop.myshopify.com=path.csv` → (domain, path)."""
    domain, equals, path = item.partition("=")
    if not equals or not Path(path).is_file():
        raise BadOption(f"--catalogue is {item!r}; expected domain=path.csv with a file that exists")
    return domain.strip().lower(), path
