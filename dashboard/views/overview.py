"""Overview: one sentence, who needs you, the four objectives, and below the fold what stands behind them."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

from dashboard import data
from dashboard import figures as shared_figures
from dashboard.moments import ago
from dashboard.theme import plain
from dashboard.views import coverage, first_steps, needs, objectives, shell
from sync_core import health
from sync_core.health import Kind

WINDOWS = {
    "24 h": timedelta(hours=24),
    "7 days": timedelta(days=7),
    "30 days": timedelta(days=30),
    "90 days": timedelta(days=90),
}
OPENS = {Kind.CHECKS_SILENT: "System", Kind.CHECKS_FAIL: "Checks", Kind.NO_WORKER: "System"}
"""Where the cause of such a sentence is looked at."""
ADDRESSES = {"System": "system", "Checks": "sweeps"}
FIGURES_EVERY = 4  # the figures refresh with every fourth snapshot


def page() -> None:
    empty = _empty()
    st.fragment(first_screen, run_every=shell.every_so_often())(empty)
    if not empty:
        st.fragment(figures, run_every=FIGURES_EVERY * shell.every_so_often())()


def _empty() -> bool:
    """Whether no shop was ever installed."""
    fleet = data.glance().fleet
    return fleet is not None and health.verdict(fleet, say=shell.say()).kind is Kind.EMPTY


def first_screen(empty: bool) -> None:
    """The verdict and who needs you; the first steps while there is no shop."""
    if _empty() is not empty:
        st.rerun()
    glance = data.glance()
    st.space("xxsmall")
    with st.container(gap="xxsmall"):
        _verdict(glance)
    if empty:
        first_steps.show()
    else:
        needs.needs_you(glance)


def _verdict(glance: data.Glance) -> None:
    """The one sentence, 24 px, and the line of signs of life under it."""
    if glance.lost_at is not None:
        _lost(glance)
        return
    if glance.fleet is None:
        return
    said = health.verdict(glance.fleet, say=shell.say())
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small"):
        text = plain(said.text)
        st.title(f":red[{text}]" if said.bad else text, anchor=False, width="content")
        if said.kind in OPENS and st.button(f"Open {OPENS[said.kind]}", type="primary", key="open_cause"):
            st.switch_page(shell.page(ADDRESSES[OPENS[said.kind]]))
    st.markdown(f":small[{_signs_of_life(glance.fleet, glance.database_ms)}]")


def _lost(glance: data.Glance) -> None:
    head, rest = (plain(words) for words in shell.lost(glance))
    with st.container(horizontal=True):  # a heading in a row has no margin of its own
        st.title(f":red[{head}]", anchor=False)
    st.markdown(f":small[:red[{rest}]]")


def _signs_of_life(fleet: health.Fleet, database_ms: float) -> str:
    say, life, checks = shell.say(), fleet.scheduler, fleet.checks
    seen = ago(life.seen_at, shell.now()) if life.seen_at else "never"
    last = f"last check {say(checks.last_at)}" if checks.last_at else "no check yet"
    if life.alive:
        parts = [f"Scheduler alive {seen}", f"{last} found {checks.found:,}" if checks.last_at else last]
        parts += [f"next {say(checks.next_at)}"] if checks.next_at else []
    else:
        at = f"{say(life.seen_at)}, {seen}" if life.seen_at else seen
        parts = [f"Scheduler: last sign of life {at}", f"{last}, {checks.missed:,} missed"]
    if checks.maintenance is not None:
        parts.append(f"maintenance until {say(checks.maintenance.until)}: {plain(checks.maintenance.reason)}")
    rest = [f"Shopify {fleet.shopify.kind}", f"database {max(1, round(database_ms))} ms"]
    first, second = (_dotted(part) for part in (parts, rest))
    return f":gray[{first}\u00a0· {second}]" if life.alive else f":red[{first}] :gray[· {second}]"


def _dotted(parts: list[str]) -> str:
    """No line begins with a dot."""
    return "\u00a0· ".join(parts)


def figures() -> None:
    """Objectives of the chosen window, coverage, charts; each is shown alone when another cannot be."""
    with shell.panel("Objectives and charts"):
        window = _heading()
        shown = shared_figures.shown(window, shell.zone().key)
        with shell.panel("Objectives"):
            objectives.show(shown.objectives, silence=_silence())
            coverage.show(shown.objectives)
        with st.grid(2, min_column_width=330, gap="small"):
            for card in shown.cards:
                shell.draw(card)
    with shell.panel("The checks"):
        shell.draw(data.strip(shell.zone().key))
    _counted()


def _silence() -> str | None:
    """Since when no check runs well, as long as that is what the page says first."""
    fleet = data.glance().fleet
    if fleet is None:
        return None
    words = {Kind.CHECKS_SILENT: "None since", Kind.CHECKS_FAIL: "Failing since"}
    kind, since = health.verdict(fleet, say=shell.say()).kind, health.silent_since(fleet)
    return f"{words[kind]} {shell.say()(since)}" if kind in words and since else None


def _heading() -> timedelta:
    preset = next(name for name, window in WINDOWS.items() if window == shared_figures.default_window())
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        st.subheader("Objectives", anchor=False, width="content")
        chosen = st.segmented_control(
            "Window", list(WINDOWS), default=preset, key="window", required=True, label_visibility="collapsed"
        )
    return WINDOWS[chosen or preset]


def _counted() -> None:
    with st.expander("How this is counted", type="compact"):
        st.markdown(
            "The unit is one install of one shop; an install counts in the window in which its deadline falls. "
            "A share is met or breached only when the number of installs decides it (Wilson interval, 95 %); "
            "until then it is undecided. Every shop must be started within its grace and 10 minutes, so one miss "
            "breaches the Pick-up rate. The mean time counts shops that still wait at their present age "
            "(Kaplan-Meier). A check that was to run and did not counts as failed; none was to run during maintenance "
            "that was announced before. Shops blocked by the merchant count in all figures here; "
            "`shopsync health --json` gives the figures without them."
        )


page()
