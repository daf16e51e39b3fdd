"""The four objectives as slim rows."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from dashboard import theme
from dashboard.views.links import to_shop
from sync_core.explain import count, span
from sync_core.health import Budget, Objectives, Share, Worst
from sync_core.slo import Verdict

WIDTHS = (112, 182, 184, 122)
NAMED = 2


class Row(NamedTuple):
    """One objective in words; `story` is the budget sentence with the worst shop linked."""

    name: str
    figure: str
    verdict: str
    target: str
    story: str


def rows(figures: Objectives, *, silence: str | None = None) -> list[Row]:
    """The four, in the users' order. `silence`: what the page says first of the checks, in a word or two."""
    return [_success(figures), _pick_up(figures), _time(figures), _checks(figures, silence)]


def show(figures: Objectives, *, silence: str | None = None) -> None:
    with st.container(border=True, gap=10):
        for row in rows(figures, silence=silence):
            with st.container(horizontal=True, vertical_alignment="center", gap=6):
                cells = (f"**{row.name}**", row.figure, row.verdict, f":gray[{row.target}]")
                for text, width in zip(cells, WIDTHS, strict=True):
                    st.markdown(text, width=width)
                st.markdown(f":small[:gray[{row.story}]]", width="stretch")


def _success(figures: Objectives) -> Row:
    share = figures.sync_success.all
    story = _spending(share.budget, share.n)
    if share.worst is not None and share.k < share.n:
        story += f" · worst: {to_shop(share.worst.name, share.worst.domain)}"
    return Row(theme.SUCCESS, _of(share), _verdict(share), "more than 99 %", story)


def _spending(budget: Budget | None, n: int) -> str:
    if budget is None or n == 0:
        return "No install of this window is judged yet"
    if budget.allowed == 0:
        spent = f"{count(budget.spent, 'failed shop')} this quarter; " if budget.spent else ""
        return (
            f"{spent}under 100 installs a quarter none may fail"
            if spent
            else ("Under 100 installs a quarter no failed shop is allowed")
        )
    if budget.left < 0:
        return f"{-budget.left:,} more failed this quarter than the {budget.allowed:,} allowed"
    if budget.left == 0:
        return f"All {budget.allowed:,} failed shops that this quarter allows are used"
    if budget.left == 1:
        return "1 more failed shop this quarter and it is gone"
    return f"{budget.left:,} more shops may fail this quarter"


def _pick_up(figures: Objectives) -> Row:
    picked = figures.pick_up
    share, late = picked.all, picked.late
    verdict = _verdict(share)
    if share.verdict == Verdict.BREACHED:
        verdict = f":red[**Breached by {count(share.n - share.k, 'shop')}**]"
    story = "None missed; one miss breaks it" if share.n else "No install of this window is judged yet"
    if late:
        story = f"late: {_named(late, share.n - share.k)}"
    if picked.overdue_now:
        waits = "waits" if picked.overdue_now == 1 else "wait"
        story = f":red[{picked.overdue_now:,}{'+' if picked.overdue_capped else ''} {waits} now] · {story}"
    return Row(theme.PICK_UP, _of(share), verdict, "every shop", story)


def _named(late: tuple[Worst, ...], n: int) -> str:
    names = ", ".join(to_shop(each.name, each.domain) for each in late[:NAMED])
    return names + (f" and {n - NAMED:,} more" if n > NAMED else "")


def _time(figures: Objectives) -> Row:
    times, worst = figures.time_to_sync.all, figures.time_to_sync.worst
    mean = times.restricted_mean
    words = {Verdict.UNDECIDED: f":gray[Undecided: {count(times.n, 'install')}]"}
    verdict = words.get(Verdict(times.verdict), _word(times.verdict))
    story = f"{times.under_target:,} of {times.n:,} under 5 min" if times.n else "No install in this window"
    if times.waiting:
        story += f"; {times.waiting:,} still {'waits' if times.waiting == 1 else 'wait'}"
    if times.late:
        story += f"; {times.late:,} had no data within 24 h"
    if worst is not None:
        story += f"; slowest: {to_shop(worst.name, worst.domain)}, {span(worst.seconds)}"
    figure = span(mean) if mean is not None else "no data"
    return Row(theme.TIME, figure, verdict, "mean under 5 min", story)


def _checks(figures: Objectives, silence: str | None) -> Row:
    share, missed, failed = figures.sweep_success.all, figures.sweep_success.missed, figures.sweep_success.failed
    bad = [f"{n:,} {word}" for n, word in ((missed, "missed"), (failed, "failed")) if n]
    story = ", ".join(bad) if bad else "None missed" if share.n else "No check was to run yet"
    if share.budget is not None and share.budget.left > 0:
        story += f"; {share.budget.left:,} more may be missed this quarter"
    verdict = f":red[**{silence}**]" if silence else _verdict(share, of="checks")
    return Row(theme.CHECKS, _of(share), verdict, "more than 95 %", story)


def _of(share: Share) -> str:
    if share.value is None:
        return "no data"
    percent = "100" if share.k == share.n else f"{min(100 * share.value, 99.9):.1f}"
    return f"{share.k:,} of {share.n:,} :gray[· {percent} %]"


def _verdict(share: Share, *, of: str = "installs") -> str:
    if share.verdict == Verdict.UNDECIDED and share.needed is not None:
        return f":gray[Undecided until {share.needed:,} {of}]"
    return _word(share.verdict)


def _word(verdict: str) -> str:
    return {
        Verdict.MET: "Met",
        Verdict.BREACHED: ":red[**Breached**]",
        Verdict.UNDECIDED: ":gray[Undecided]",
        Verdict.NO_DATA: ":gray[No data]",
    }[Verdict(verdict)]
