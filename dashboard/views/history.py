"""A shop's timeline, newest first; an entry unfolds to what is known of it."""

from __future__ import annotations

import streamlit as st

from dashboard.moments import when
from dashboard.theme import MARK_ICONS, plain
from dashboard.views import shell
from sync_core.health import Entry, ShopView, timeline

AT_FIRST = 12


def show(view: ShopView) -> None:
    st.subheader("Timeline", anchor=False)
    entries = timeline(view)
    every = st.session_state.get("whole_timeline") == view.shop_id
    for entry in entries if every else entries[:AT_FIRST]:
        _entry(entry)
    if len(entries) > AT_FIRST and not every:
        st.button(
            f"Show all {len(entries)}",
            key="show_whole_timeline",
            type="tertiary",
            on_click=_whole,
            args=(view.shop_id,),
        )


def _whole(shop_id: str) -> None:
    st.session_state.whole_timeline = shop_id


def _entry(entry: Entry) -> None:
    at = when(entry.at, shell.zone(), now=shell.now())
    with st.expander(f"**{at}** · {plain(entry.title)}", type="step", icon=MARK_ICONS[entry.mark]):
        if entry.body:
            st.markdown(f":small[{plain(entry.body)}]")
        if entry.details:
            lines = [f":small[:gray[{plain(name)}:] {plain(value)}]" for name, value in entry.details]
            st.markdown("  \n".join(lines))
