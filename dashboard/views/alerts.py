"""Alerts: what is wrong now and who has it, what was, and whether anybody was told."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pandas as pd
import streamlit as st

from dashboard import access, acts, data
from dashboard.theme import plain
from dashboard.views import shell
from sync_core.alerts.channels import channels
from sync_core.alerts.lists import Alerts, Delivery, Seen
from sync_core.alerts.snapshot import Severity
from sync_core.alerts.words import OPENED, RECOVERED, REMINDER, WORSE, hits, still_hits
from sync_core.explain import count, span

LENGTHS = {
    "1 hour": timedelta(hours=1),
    "4 hours": timedelta(hours=4),
    "1 day": timedelta(days=1),
    "7 days": timedelta(days=7),
}
KINDS = {Severity.PAGE: "Wakes somebody", Severity.TICKET: "Can wait until the morning"}
EVENTS = {OPENED: "First message", WORSE: "Got worse", RECOVERED: "Closed"}
COLUMNS = ("What", "Began", "Lasted", "Shops", "Told")
MESSAGE_COLUMNS = ("Message", "Written", "State")


def page() -> None:
    st.space("xxsmall")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("Alerts", anchor=False, width="content")
        shell.answer()
    st.fragment(live, run_every=shell.every_so_often())()


def live() -> None:
    """Open and recent alerts, or the one of the address; refreshes itself."""
    asked = st.query_params.get("id")
    with shell.panel("Alerts"):
        if asked:
            _single(asked)
        else:
            _all(data.alerts())


def _all(seen: Alerts) -> None:
    _sentence(seen.open)
    _nobody_told()
    for alert in seen.open:
        _card(alert)
    if seen.recent:
        st.subheader("Recently", anchor=False)
        st.table(as_table(seen.recent), border="horizontal", hide_index=True, alt="Recent alerts, newest first")


def _single(alert_id: str) -> None:
    st.button("All alerts", key="all_alerts", icon=":material/arrow_back:", on_click=_leave)
    alert = data.alert(alert_id)
    if alert is None:
        st.caption("There is no such alert.")
        return
    _card(alert)
    st.subheader("Messages", anchor=False)
    rows = pd.DataFrame([_message(each) for each in alert.deliveries], columns=MESSAGE_COLUMNS)
    st.table(rows, border="horizontal", hide_index=True, alt="Messages about this alert and their delivery")


def _leave() -> None:
    st.query_params.pop("id", None)


def _sentence(open_ones: tuple[Seen, ...]) -> None:
    if not open_ones:
        st.markdown(f"No alert is open. :gray[{_who_waits()}Every process looks each 10 seconds.]")
        return
    free, n = sum(alert.acknowledged_by is None for alert in open_ones), len(open_ones)
    head = f"{count(n, 'alert')} {'is' if n == 1 else 'are'} open"
    if free == n:
        st.markdown(f"{head}, and nobody has {'it' if n == 1 else 'them'} yet.")
    else:
        st.markdown(f"{head}; {f'nobody has {free:,} of them yet' if free else 'somebody has each'}.")


def _who_waits() -> str:
    """No alert does not mean that nobody waits: a shop that was blocked days ago is no news, and not well."""
    fleet = data.glance().fleet
    if fleet is None or not fleet.groups:
        return ""
    return f"{fleet.needy} on [Overview](/) still {'needs' if fleet.needs_n == 1 else 'need'} a person. "


def _nobody_told() -> None:
    """What is not set is said: an alert that nobody hears is none."""
    settings = data.desk().settings
    if not channels(settings, Severity.PAGE):
        st.markdown(
            ":small[:red[No channel is set: nobody is told.] :gray[Set ALERT_URLS_PAGE and ALERT_URLS_TICKET.]]"
        )
    elif not channels(settings, Severity.TICKET):
        st.markdown(":small[:gray[No channel is set for what can wait: set ALERT_URLS_TICKET.]]")


def _card(alert: Seen) -> None:
    message, say = alert.message, shell.say()
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            title = plain(message.title)
            red = alert.severity is Severity.PAGE and alert.recovered_at is None
            st.markdown(f"**{f':red[{title}]' if red else title}**", width="content")
            st.badge("Act" if message.act else "Heals itself", color="violet" if message.act else "gray")
            st.markdown(f":small[:gray[{KINDS[alert.severity]}]]", width="content")
        whom = still_hits(message) if message.still else hits(message, past=_over(alert))
        st.markdown(f"Since {say(message.since)}{_lasts(alert)}. {plain(whom)}")
        st.markdown(f"{plain(message.cause)}.  \n**First:** {plain(message.action)}.")
        st.markdown(f":small[:gray[{' · '.join(_state(alert))}]]")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            _look(alert)
            if not _over(alert):
                _acts(alert)


def _over(alert: Seen) -> bool:
    return alert.recovered_at is not None


def _lasts(alert: Seen) -> str:
    end = alert.recovered_at or shell.now()
    words = span((end - alert.message.since).total_seconds())
    if alert.message.still:
        return f"; no other shop joined until {shell.say()(end)}"
    return f", over after {words}" if _over(alert) else f", {words}"


def _state(alert: Seen) -> list[str]:
    """Who has it, whether it is muted, who was told."""
    say, parts = shell.say(), []
    if alert.acknowledged_by and alert.acknowledged_at:
        parts.append(f"{plain(alert.acknowledged_by)} has it since {say(alert.acknowledged_at)}")
    elif not _over(alert):
        parts.append("nobody has it yet")
    if alert.muted_until:
        why = plain(alert.muted_because or "")
        parts.append(f"muted until {say(alert.muted_until)} by {plain(alert.muted_by or '')}: {why}")
    if alert.deliveries:
        last = alert.deliveries[-1]
        parts.append(f"{_event(last).lower()}: {_delivery(last)}")
    return parts


def _look(alert: Seen) -> None:
    """The one place where the first action begins."""
    parts = urlsplit(alert.message.link)
    name = parts.path.strip("/") or "overview"
    query = dict(parse_qsl(parts.query))
    st.page_link(shell.page(name), label="Look there", query_params=query, icon=":material/arrow_forward:")


def _acts(alert: Seen) -> None:
    viewer = shell.viewer()
    if alert.acknowledged_by is None:
        st.button(
            "I have it",
            key=f"take_{alert.id}",
            disabled=not viewer.may(access.ACKNOWLEDGE),
            help="Ends the reminders and shows the others who looks after it",
            on_click=shell.tell,
            args=(acts.acknowledge, viewer, alert.id),
        )
    if alert.muted_until:
        st.button(
            "Unmute",
            key=f"unmute_{alert.id}",
            disabled=not viewer.may(access.MUTE),
            on_click=shell.tell,
            args=(acts.unmute, viewer, alert.key),
        )
        return
    with st.popover("Mute", disabled=not viewer.may(access.MUTE)):
        st.selectbox("For", list(LENGTHS), key=f"length_{alert.id}")
        st.text_input("Reason", key=f"reason_{alert.id}", max_chars=200)
        st.button("Mute it", key=f"mute_{alert.id}", on_click=_mute, args=(alert.id, alert.key))


def _mute(alert_id: str, key: str) -> None:
    length, reason = st.session_state[f"length_{alert_id}"], st.session_state[f"reason_{alert_id}"]
    shell.tell(acts.mute, shell.viewer(), key, length=LENGTHS[length], reason=reason)


def as_table(alerts: tuple[Seen, ...]) -> pd.DataFrame:
    """One row an alert; columns as COLUMNS."""
    return pd.DataFrame([_cells(alert) for alert in alerts], columns=COLUMNS)


def _cells(alert: Seen) -> tuple[str, ...]:
    message, end = alert.message, alert.recovered_at or shell.now()
    told = alert.deliveries[-1] if alert.deliveries else None
    return (
        f"[{plain(message.title)}](/alerts?id={alert.id})  \n:small[:gray[{plain(message.cause)}]]",
        shell.say()(message.since),
        span((end - message.since).total_seconds()),
        f"{message.n:,}{'+' if message.capped else ''}",
        _delivery(told) if told else "nobody",
    )


def _message(each: Delivery) -> tuple[str, ...]:
    return _event(each), shell.say()(each.at), _delivery(each)


def _event(each: Delivery) -> str:
    nth = each.event.partition("-")[2]
    return f"Reminder {nth}" if each.event.startswith(REMINDER) else EVENTS.get(each.event, "Message")


def _delivery(each: Delivery) -> str:
    say = shell.say()
    if each.sent_at:
        return f"sent {say(each.sent_at)}"
    if each.dropped_at:
        return f"not sent: {plain(each.error or '')}"
    if each.error:
        return f":red[not delivered yet: {plain(each.error)}], next try {say(each.next_at)}"
    return "on its way"


page()
