"""What can be done about one shop: Sync now or what replaces it, the menu, the text for a ticket, a note."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard import access, acts
from dashboard.moments import saying, zone_name, zone_of
from dashboard.theme import plain
from dashboard.views import shell
from dashboard.views.links import for_the_merchant
from sync_core import explain
from sync_core.explain import Action, Explanation
from sync_core.health import ShopView
from sync_core.states import Hold

READ, WITH_REASON, TAKE_OVER, STOP = "Re-read everything", "Sync now, with a reason", "Take over", "Stop syncing"
PROMISES = {
    READ: "Every product, customer and order is read again; what we have stays in use until then.",
    WITH_REASON: "What changed is read; the reason stands in the timeline.",
    TAKE_OVER: "The present run ends and another worker starts; what is stored stays stored.",
    STOP: "This shop is not synced, by nobody and nothing, until somebody presses Sync now.",
}
NEEDS_REASON = frozenset({TAKE_OVER, STOP})


def show(view: ShopView, explanation: Explanation) -> None:
    """The buttons right of the headline: one of them primary."""
    with st.container(horizontal=True, width="content", gap="xsmall", vertical_alignment="center"):
        with st.popover("Copy for ticket", key="ticket"):
            st.code(ticket(view), language=None, wrap_lines=True)
        _main(view, explanation)
        offered = offers(view, explanation)
        if offered:
            chosen = st.menu_button("More", offered, key="more")
            if chosen:
                confirm(view, chosen)


def offers(view: ShopView, explanation: Explanation) -> list[str]:
    """What the menu holds: only what is possible now, for this person."""
    person, hold = shell.viewer(), view.situation.hold
    possible = {
        READ: explanation.action is Action.SYNC and person.may(access.SYNC),
        WITH_REASON: explanation.action is Action.SYNC and person.may(access.SYNC),
        TAKE_OVER: explanation.action is Action.TAKE_OVER and person.may(access.TAKE_OVER),
        STOP: hold not in (Hold.UNINSTALLED, Hold.STOPPED) and person.may(access.STOP),
    }
    return [name for name, true in possible.items() if true]


def _main(view: ShopView, explanation: Explanation) -> None:
    if explanation.action in (Action.LINK, Action.INSTALL_LINK):
        with st.container(width=176):
            for_the_merchant(view.name, view.domain, explanation.action, key="reconnect", primary=True)
        return
    if explanation.action is Action.TAKE_OVER:
        if st.button("Take over", type="primary", key="take_over", disabled=not shell.viewer().may(access.TAKE_OVER)):
            confirm(view, TAKE_OVER)
        return
    possible = explanation.action is Action.SYNC and shell.viewer().may(access.SYNC)
    st.button(
        "Sync now",
        type="primary",
        key="sync_now",
        disabled=not possible,
        help=explanation.off_because,
        on_click=shell.tell,
        args=(acts.sync_now, shell.viewer(), view.shop_id),
    )


@st.dialog("Are you sure?")
def confirm(view: ShopView, what: str) -> None:
    """What will happen, why it is asked for, then the button."""
    st.markdown(f"**{what}**: {plain(view.name)}  \n:small[:gray[{PROMISES[what]}]]")
    st.text_input("Reason" if what in NEEDS_REASON else "Reason (optional)", key="reason", max_chars=200)
    pressed = st.button(what, type="primary", key="confirmed", on_click=_perform, args=(what, view.shop_id))
    if pressed and _lacks_reason(what):
        st.caption(":red[A reason is needed.]")
    elif pressed:
        st.rerun()


def _lacks_reason(what: str) -> bool:
    return what in NEEDS_REASON and not str(st.session_state.reason).strip()


def _perform(what: str, shop_id: str) -> None:
    act: Callable[..., str] = {
        READ: acts.read_everything,
        WITH_REASON: acts.sync_now,
        TAKE_OVER: acts.take_over,
        STOP: acts.stop,
    }[what]
    shell.tell(act, shell.viewer(), shop_id, reason=st.session_state.reason)


def ticket(view: ShopView) -> str:
    """All of the first screen as text, in the merchant's own zone; no secret, no e-mail address."""
    zone = zone_of(view.profile.time_zone if view.profile else None)
    said = explain.explain(view.situation, say=saying(zone, now=shell.now()))
    plan = f", {view.profile.plan} plan" if view.profile and view.profile.plan else ""
    name = f"{view.name} ({view.domain})" if view.name != view.domain else view.domain
    return "\n".join(
        (
            f"Shop: {name}{plan}",
            f"Status: {said.headline}",
            f"Now: {said.now}",
            f"Why: {said.why}",
            f"Next: {said.next} {said.chip}.",
            f"Times: {zone_name(zone, now=shell.now())}{', the zone of the merchant' if view.profile else ''}",
        )
    )


def note(view: ShopView) -> None:
    """A line that all staff see in the timeline."""
    st.text_input(
        "Add a note",
        key="note",
        placeholder="Seen by all staff; no secrets",
        icon=":material/edit:",
        max_chars=acts.LONGEST_NOTE,
        disabled=not shell.viewer().may(access.NOTE),
        on_change=_write_note,
        args=(view.shop_id,),
    )


def _write_note(shop_id: str) -> None:
    text = st.session_state.note
    if text.strip():
        shell.tell(acts.write_note, shell.viewer(), shop_id, text)
    st.session_state.note = ""
