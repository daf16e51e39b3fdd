"""How far the open run is, resource by resource. Never full before all of a resource is stored."""

from __future__ import annotations

import streamlit as st

from dashboard.theme import plain
from sync_core.explain import Situation, Step, resource_words, span

ALMOST = 0.99


def show(situation: Situation) -> None:
    run = situation.run
    if run is None or run.claimed_at is None or not run.steps:
        return
    current = next((step for step in run.steps if not step.ended and not step.skipped), None)
    with st.container(border=True), st.grid(4, min_column_width=190, gap="medium"):
        for step in run.steps:
            with st.container(gap="xxsmall"):
                with st.container(horizontal=True, horizontal_alignment="distribute"):
                    st.markdown(f"**{resource_words(step.resource)}**", width="content")
                    st.markdown(amount(step), width="content")
                st.progress(share(step))
                st.caption(note(step, now=step is current))


def amount(step: Step) -> str:
    """1,240 of 2,000; what is not counted shows only what is stored."""
    if step.skipped:
        return ":gray[skipped]"
    return f"{step.done:,} of {max(step.total, step.done):,}" if step.total is not None else f"{step.done:,}"


def share(step: Step) -> float:
    """0..1; 1 only when the resource has ended."""
    if step.skipped:
        return 0.0
    if step.ended:
        return 1.0
    return min(ALMOST, step.done / step.total) if step.total else 0.0


def note(step: Step, *, now: bool) -> str:
    """The small line under the bar."""
    if step.skipped:
        return plain(step.skipped)
    if step.ended:
        return "done"
    left = f"about {span(step.seconds_left)} left" if step.seconds_left is not None else ""
    if not now:
        return f"to come, {left.removesuffix(' left')}" if left else "to come"
    speed = f"{step.rate:,.0f} a second" if step.rate and step.rate >= 1 else ""
    return ", ".join(part for part in (speed, left) if part) or "reading"
