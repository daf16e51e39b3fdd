"""Checks: the safety check of the last 24 hours as marks, what each did, one more now, and how it is set."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import access, acts, data
from dashboard.moments import clock, when
from dashboard.theme import plain
from dashboard.views import shell
from sync_core.config import Settings
from sync_core.explain import span
from sync_core.health import Tick, TickPage
from sync_core.states import Profile

IN_SIGHT = 12
WIDTHS = {
    "Began": 96,
    "Took": 64,
    "Due": 56,
    "Started": 72,
    "Already asked for": 124,
    "New shops": 88,
    "Left for the next": 124,
    "By": 176,
    "Note": 160,
}
"""In pixels, one each: a column without grows last, and its text was cut."""
COLUMNS = tuple(WIDTHS)


def page() -> None:
    st.space("xxsmall")
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            st.title("Checks", anchor=False, width="content")
            shell.answer()
        st.button(
            "Run one now",
            type="primary",
            key="check_now",
            disabled=not shell.viewer().may(access.CHECK),
            help="Looks for shops that should have been started, and asks for them",
            on_click=_check,
        )
    _explained(data.desk().settings)
    st.fragment(live, run_every=shell.every_so_often())()


def _check() -> None:
    shell.tell(acts.check_now, shell.viewer())


def _explained(settings: Settings) -> None:
    period, grace = span(settings.sweep_period_seconds), span(settings.sweep_grace_seconds)
    if settings.sweep_profile is Profile.PROMPT:
        text = (
            f"Installs start by themselves within seconds. Every {period} the check looks for any that did not "
            f"within {grace}: a healthy day finds none."
        )
    else:
        longest = span(settings.sweep_grace_seconds + settings.sweep_period_seconds)
        text = (
            f"Every {period} the check starts up to {settings.sweep_batch} shops that wait for {grace} or longer. "
            f"A shop whose browser was closed starts after {grace} to {longest}."
        )
    st.markdown(f":gray[{text}]")


def live() -> None:
    """The strip and the table; refreshes itself."""
    with shell.panel("The marks of the last 24 h"):
        shell.draw(data.strip(shell.zone().key))
    st.subheader("What each did", anchor=False)
    with shell.panel("The checks"):
        _table()


def _table() -> None:
    before = st.query_params.get("slot")
    found = data.sweeps(before)
    if not found.rows:
        st.caption("No check ran yet.")
        return
    st.dataframe(
        as_table(found),
        hide_index=True,
        key=f"checks {before}",
        height="content" if len(found.rows) <= IN_SIGHT else 35 * IN_SIGHT + 38,
        column_config={name: st.column_config.Column(width=width) for name, width in WIDTHS.items()},
        alt="The checks, newest first",
    )
    _turn(found, before)


def as_table(found: TickPage) -> pd.DataFrame:
    """One row a check; columns as COLUMNS."""
    return pd.DataFrame([_cells(tick) for tick in found.rows], columns=COLUMNS)


def _cells(tick: Tick) -> tuple[object, ...]:
    zone, now = shell.zone(), shell.now()
    day = when(tick.begun_at, zone, now=now)
    began = clock(tick.begun_at, zone) if "," not in day else f"{day.split(',')[0]}, {clock(tick.begun_at, zone)}"
    took = f"{(tick.ended_at - tick.begun_at).total_seconds():.1f} s" if tick.ended_at else "not ended"
    note = tick.error or ("beside the plan" if tick.slot is None else "")
    return began, took, tick.due, tick.opened, tick.joined, tick.adopted, tick.over_limit, tick.by, plain(note)


def _turn(found: TickPage, before: str | None) -> None:
    with st.container(horizontal=True, gap="small"):
        if before:
            st.button("Newest", key="newest_checks", on_click=_go, args=(None,), icon=":material/first_page:")
        if found.next_before:
            st.button("Older", key="older_checks", on_click=_go, args=(found.next_before,), icon=":material/east:")


def _go(before: str | None) -> None:
    if before:
        st.query_params["slot"] = before
    else:
        st.query_params.pop("slot", None)


page()
