"""Admin API versions: quarterly, supported for a year; an unsupported one is served by the oldest supported."""

from __future__ import annotations

from typing import Any

SUPPORTED = ("2026-01", "2026-04", "2026-07", "2026-10")
CANDIDATE = "2027-01"


def served_version(asked: str) -> str:
    """What X-Shopify-API-Version says: the version asked for, or the oldest supported one (fall-forward)."""
    return asked if asked in (*SUPPORTED, CANDIDATE, "unstable") else SUPPORTED[0]


def version_rows() -> list[dict[str, Any]]:
    """publicApiVersions."""
    latest = [{"handle": handle, "displayName": handle, "supported": True} for handle in SUPPORTED]
    latest[-1]["displayName"] = f"{SUPPORTED[-1]} (Latest)"
    candidate = {"handle": CANDIDATE, "displayName": f"{CANDIDATE} (Release candidate)", "supported": False}
    return [*latest, candidate, {"handle": "unstable", "displayName": "unstable", "supported": False}]
