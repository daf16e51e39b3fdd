"""Needs you: the shops that wait for a person, by cause, with what can be done about each."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

import streamlit as st

from dashboard import acts, data
from dashboard.theme import chip_colour, plain
from dashboard.views import shell
from dashboard.views.links import for_the_merchant, to_shop
from sync_core.explain import CHIPS, Action, Need, Who, cause_words, count, next_step, problem, span
from sync_core.explain.words import OVERDUE
from sync_core.health import Fleet, Group, LateStarts

ROWS = 6
WAITING = "/shops?sort=Waiting+longest"
NO_WORKER = "No worker is alive: nothing would start"
NOBODY = "Nobody starts syncs"
NO_DATABASE = "The database does not answer: nothing can be written"


def needs_you(glance: data.Glance) -> None:
    """At most six rows; when nobody waits, one calm line."""
    fleet = glance.fleet
    if fleet is None:
        return
    if not fleet.groups and not fleet.retrying:
        _nobody(fleet)
    if fleet.groups:
        st.space("xxsmall")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.subheader("Needs you", anchor=False, width="content")
            shell.answer()
        with st.container(border=True, gap=18):
            _groups(fleet, _off(glance))
    _by_themselves(fleet)
    if glance.live:
        with shell.panel("What comes next"):
            _too_late(data.late_starts())


def _nobody(fleet: Fleet) -> None:
    say, checks = shell.say(), fleet.checks
    if fleet.needs_first:
        waits = "No shop needs you; they wait" if fleet.waiting else "No shop waits yet"
        st.markdown(f"{waits}; :red[a new one would not be started] until {fleet.needs_first} runs.")
        return
    times = [f"last check {say(checks.last_at)}" if checks.last_at else ""]
    times.append(f"next {say(checks.next_at)}" if checks.next_at else "")
    tail = ", ".join(part for part in times if part)
    st.markdown("No shop needs you." + (f" :gray[{tail[0].upper()}{tail[1:]}.]" if tail else ""))


def _by_themselves(fleet: Fleet) -> None:
    if not fleet.retrying:
        return
    n, one = fleet.counted("retrying"), fleet.retrying == 1
    if fleet.needs_first:
        st.caption(f"{n} failed and {'is' if one else 'are'} not tried again until {fleet.needs_first} runs")
        return
    at = f", next {shell.say()(fleet.retrying_next_at)}" if fleet.retrying_next_at else ""
    st.caption(f"{n} retrying by {'itself' if one else 'themselves'}{at}")


def _too_late(late: LateStarts) -> None:
    """New shops that will pass 5 min before they are started: said before it happens."""
    if late.n:
        shops = f"[{count(late.n, 'new shop', capped=late.capped)}]({WAITING})"
        st.markdown(f":small[{shops} will wait longer than 5 min: {_when(late)}]")


def _when(late: LateStarts) -> str:
    say = shell.say()
    if late.last_at is None:
        return "nobody starts it" if late.n == 1 else "nobody starts them"
    if late.unstarted:
        return f"nobody starts {late.unstarted:,} of them"
    if late.n == 1 and not late.capped:
        return f"it starts at about {say(late.last_at)}"
    return f"the last starts {'after' if late.capped else 'at about'} {say(late.last_at)}"


def _off(glance: data.Glance) -> str | None:
    """Why no act is possible at all, or None."""
    if not glance.answers:
        return NO_DATABASE
    fleet = glance.fleet
    return None if fleet is None or fleet.workers.alive else NO_WORKER


def _groups(fleet: Fleet, off: str | None) -> None:
    shown = chosen(fleet.groups)
    primary = next((need for _, needs in shown for need in needs if need.action is Action.SYNC), None)
    for group, needs in shown:
        with st.container(gap=8):
            _heading(group, fleet)
            if not fleet.workers.alive and group.cause == OVERDUE and group.n > 1:
                _folded(group, off or NO_WORKER, fleet.needs_first)
                continue
            for need in needs:
                _row(need, off, fleet.needs_first, primary=need is primary and off is None)
            _rest(group, len(needs))


def chosen(groups: tuple[Group, ...], limit: int = ROWS) -> list[tuple[Group, tuple[Need, ...]]]:
    """The groups with the rows that are listed, `limit` in all; what we must do ourselves comes first.

    Each group keeps one row as long as there is room.
    """
    ordered = sorted(groups, key=lambda group: group.who is not Who.US)
    given = [1] * min(len(ordered), limit)
    for nth in range(len(given)):
        given[nth] += min(len(ordered[nth].rows) - 1, limit - sum(given))
    return [(group, group.rows[:n]) for group, n in zip(ordered, given, strict=False)]


def _heading(group: Group, fleet: Fleet) -> None:
    cause = NOBODY if group.cause == OVERDUE and fleet.needs_first else cause_words(group.cause)
    title = f"{cause}, {count(group.n, 'shop', capped=group.capped)}"
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.markdown(f":small[**{title}**]", width="content")
        st.badge(CHIPS[group.who], color=chip_colour(group.who))


def _rest(group: Group, shown: int) -> None:
    more = group.n - shown
    if more > 0:
        words = f"and {more:,}{'+' if group.capped else ''} more"
        st.markdown(f":small[[{words}](/shops?cause={quote(group.cause)})]")


def _row(need: Need, off: str | None, needs_first: str | None, *, primary: bool) -> None:
    say = shell.say()
    with st.container(horizontal=True, vertical_alignment="center", gap=8):
        st.markdown(f"**{to_shop(need.name, need.domain)}**  \n:small[:gray[{need.domain}]]", width=236)
        first = plain(problem(need, say=say))
        _sentences(
            f":gray[{first}]" if off == NO_DATABASE else first, plain(next_step(need, say=say, needs_first=needs_first))
        )
        _waiting(need.since)
        with st.container(width=176):
            _action(need, off, primary=primary)


def _folded(group: Group, off: str, needs_first: str | None) -> None:
    """Many shops and one reason: one row, the first of them named."""
    names = [plain(row.name) for row in group.rows[:2]]
    others = group.n - len(names)
    since = min(row.since for row in group.rows)
    listed = ", ".join(names) + (f" and {others:,} more" if others else "")
    with st.container(horizontal=True, vertical_alignment="center", gap=8):
        st.markdown(f"**{count(group.n, 'shop', capped=group.capped)}**  \n:small[:gray[{listed}]]", width=236)
        _sentences("Waiting to be started; no worker gave a sign of life", f"Next try: none until {needs_first} runs")
        _waiting(since)
        with st.container(width=176):
            st.button("Sync now", key="sync_folded", disabled=True, help=off, width="stretch")


def _sentences(first: str, second: str) -> None:
    st.markdown(f"{first}  \n:small[:gray[{second}]]", width="stretch")


def _waiting(since: datetime) -> None:
    seconds = (shell.now() - since).total_seconds()
    st.markdown(f"{span(seconds)}  \n:small[:gray[waiting]]", width=92)


def _action(need: Need, off: str | None, *, primary: bool) -> None:
    key = f"act_{need.domain}"
    if need.action in (Action.LINK, Action.INSTALL_LINK):
        for_the_merchant(need.name, need.domain, need.action, key=key)
    elif need.action is Action.SYNC:
        st.button(
            "Sync now",
            key=key,
            type="primary" if primary else "secondary",
            width="stretch",
            disabled=off is not None,
            help=off,
            on_click=_sync,
            args=(need.shop_id,),
        )
    else:
        st.page_link(shell.page("shop"), label="Open", query_params={"domain": need.domain}, width="stretch")


def _sync(shop_id: str) -> None:
    shell.tell(acts.sync_now, shell.viewer(), shop_id)
