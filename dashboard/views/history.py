"""A shop's timeline, newest first; an entry unfolds to what is known of it."""

from __future__ import annotations

from itertools import groupby

import streamlit as st

from dashboard.moments import when
from dashboard.theme import MARK_ICONS, plain
from dashboard.views import shell
from sync_core.health import Entry, ShopView, timeline

AT_FIRST = 12
MANY = 3


def show(view: ShopView) -> None:
    st.subheader("Timeline", anchor=False)
    steps = folded(timeline(view))
    every = st.session_state.get("whole_timeline") == view.shop_id
    for first, *same in steps if every else steps[:AT_FIRST]:
        _entry(first)
        if same:
            _same(same)
    if len(steps) > AT_FIRST and not every:
        st.button(
            "Show all",
            key="show_whole_timeline",
            type="tertiary",
            on_click=_whole,
            args=(view.shop_id,),
        )


def _whole(shop_id: str) -> None:
    st.session_state.whole_timeline = shop_id


def folded(entries: list[Entry]) -> list[list[Entry]]:
    """Entries in their order, those that say the same one after another together when they are many."""
    runs = [list(run) for _, run in groupby(entries, key=lambda entry: (entry.mark, entry.title))]
    return [part for run in runs for part in ([run] if len(run) >= MANY else [[entry] for entry in run])]


def _same(entries: list[Entry]) -> None:
    """The others of a run, folded into one step; each with its own details."""
    zone, now = shell.zone(), shell.now()
    title = f"{len(entries)} more like it, since **{when(entries[-1].at, zone, now=now)}**"
    with st.expander(title, type="step", icon=":material/more_vert:"):
        for entry in entries:
            facts = " · ".join(f"{plain(name)}: {plain(value)}" for name, value in entry.details)
            st.markdown(f":small[**{when(entry.at, zone, now=now)}** :gray[{facts}]]")


def _entry(entry: Entry) -> None:
    at = when(entry.at, shell.zone(), now=shell.now())
    with st.expander(f"**{at}** · {plain(entry.title)}", type="step", icon=MARK_ICONS[entry.mark]):
        if entry.body:
            st.markdown(f":small[{plain(entry.body)}]")
        if entry.details:
            lines = [f":small[:gray[{plain(name)}:] {plain(value)}]" for name, value in entry.details]
            st.markdown("  \n".join(lines))
