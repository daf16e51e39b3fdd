"""What we hold of a shop: rows per table, of when, and what was skipped and why."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.moments import ago
from dashboard.theme import plain
from dashboard.views import shell
from sync_core.explain import Step, resource_words
from sync_core.health import Held, ShopView

COLUMNS = ("Resource", "Here", "As of", "")


def show(view: ShopView) -> None:
    st.subheader("What we hold", anchor=False)
    table = as_table(view)
    if table.empty:
        st.caption(_nothing(view))
        return
    st.table(table, border="horizontal", hide_index=True, alt="What we hold, by resource")


def _nothing(view: ShopView) -> str:
    """A shop that the app had synced before we came has data that nobody counted."""
    if view.situation.data_of is None:
        return "Nothing yet: rows appear here when the first sync has ended."
    return "Not counted yet: rows appear here when the next sync has ended."


def as_table(view: ShopView) -> pd.DataFrame:
    """One row a table of ours; columns as COLUMNS."""
    reading = {step.resource for step in _steps(view) if not step.ended and not step.skipped}
    cells = [row for held in view.held for row in _rows(held, being_read=held.resource in reading)]
    return pd.DataFrame(cells, columns=COLUMNS)


def age(view: ShopView) -> str:
    """What is in use meanwhile: No data yet; Complete, without orders; while syncing also of when."""
    at = view.situation
    if at.data_of is None:
        return "No data yet"
    words = "Complete"
    if at.running:
        old = ago(at.data_of, at.now).removesuffix(" ago")
        words = f"Data of {shell.say()(at.data_of)} in use, {old} old · complete"
    missing = " and ".join(resource_words(name).lower() for name in at.skipped)
    return words + (f", without {missing}" if missing else "")


def _steps(view: ShopView) -> tuple[Step, ...]:
    run = view.situation.run
    return run.steps if run else ()


def _rows(held: Held, *, being_read: bool) -> list[tuple[str, str, str, str]]:
    if held.skipped:
        return [(resource_words(held.resource), "0", ":gray[never]", f":gray[skipped: {plain(held.skipped)}]")]
    as_of = f"{shell.say()(held.as_of)}, {ago(held.as_of, shell.now())}" if held.as_of else ":gray[never]"
    note = "being read" if being_read else ""
    return [(resource_words(table), f"{n:,}", as_of, note) for table, n in held.rows.items()]
