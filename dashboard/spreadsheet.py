"""A page of shops for a spreadsheet."""

from __future__ import annotations

import pandas as pd

from dashboard.theme import status_words
from sync_core.explain import cause_words
from sync_core.health import ShopPage

FORMULA = r"^([=+\-@\t])"


def as_csv(found: ShopPage) -> bytes:
    """The same shops for a spreadsheet: moments in UTC, and nothing that a spreadsheet would compute."""
    rows = [
        {
            "shop": row.name,
            "domain": row.domain,
            "status": status_words(row.status, row.hold, synced=row.last_synced_at is not None),
            "problem": cause_words(row.cause) if row.cause else "",
            "error": row.error_message or "",
            "data of (UTC)": row.last_synced_at,
            "next try (UTC)": row.due_at,
            "installed (UTC)": row.installed_at,
        }
        for row in found.rows
    ]
    frame = pd.DataFrame(rows)
    for column in ("shop", "error"):
        frame[column] = frame[column].str.replace(FORMULA, r"'\1", regex=True)
    return frame.to_csv(index=False).encode()
