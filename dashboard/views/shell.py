"""What every page stands in: sign-in, the bar on top, the viewer's zone and clock, the way to another page."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import ParamSpec
from zoneinfo import ZoneInfo

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError

from dashboard import access, charts, data
from dashboard.access import Viewer
from dashboard.cards import Card
from dashboard.moments import ago, clock, saying, zone_name, zone_of
from dashboard.theme import plain
from sync_core.errors import BadSetting, Forbidden, ShopsyncError, TooSlow
from sync_core.explain import Say
from sync_core.health import ShopPage

P = ParamSpec("P")
REFRESH_SECONDS = (15.0, 19.0)
MATCHES = 8
ANSWER_STAYS = timedelta(seconds=20)


def enter(pages: dict[str, st.Page]) -> Viewer:
    """Who is there; nobody: the page ends here, with the reason."""
    st.session_state.pages = pages
    try:
        return viewer()
    except (Forbidden, BadSetting) as refusal:
        st.error(plain(str(refusal)))
        st.stop()


def viewer() -> Viewer:
    """Who is there now, asked again at each act. Errors: Forbidden, BadSetting."""
    return access.signed_in(data.desk().settings, st.context.headers)


def zone() -> ZoneInfo:
    """The zone of the viewer's browser."""
    return zone_of(st.context.timezone)


def now() -> datetime:
    """This moment by this host's clock."""
    return data.desk().clock()


def say() -> Say:
    """Moments in the viewer's zone, as of now."""
    return saying(zone(), now=now())


def page(name: str) -> st.Page:
    """A registered page, for st.page_link and st.switch_page."""
    registered: dict[str, st.Page] = st.session_state.pages
    return registered[name]


def every_so_often() -> float:
    """Seconds between two refreshes of this session, not the same in each: viewers must not ask all at once."""
    if "refresh_seconds" not in st.session_state:
        st.session_state.refresh_seconds = random.uniform(*REFRESH_SECONDS)
    seconds: float = st.session_state.refresh_seconds
    return seconds


def tell(act: Callable[P, str], *args: P.args, **kwargs: P.kwargs) -> None:
    """Do it and keep what came of it for `answer`; a refusal is an answer, too."""
    try:
        text = plain(act(*args, **kwargs))
    except ShopsyncError as refusal:
        text = f":red[{plain(str(refusal))}]"
    except SQLAlchemyError:
        text = ":red[The database does not answer: nothing was done.]"
    st.session_state.answer = (text, now())


def answer() -> None:
    """What came of the last act, for a little while, beside the thing that it was about.

    No toast: it would lie over the buttons that were just pressed.
    """
    text, at = st.session_state.get("answer", ("", None))
    if at is not None and now() - at < ANSWER_STAYS:
        st.markdown(f":small[**{text}**]", width="content")


@contextmanager
def panel(what: str, *, refreshes: bool = True) -> Iterator[None]:
    """A part of a page: when its data cannot be had it says so in its place, and the rest of the page stands.

    `what` is plural: "Objectives", "The checks". `refreshes`: it stands in a fragment that runs again.
    """
    again = "They are asked for again by themselves." if refreshes else "Load the page again to ask once more."
    try:
        yield
    except TooSlow as slow:
        st.markdown(f":red[{what} cannot be shown now: {slow}.] :gray[{again}]")
    except SQLAlchemyError:
        st.markdown(f":red[{what} cannot be shown now: the database does not answer.]")


def lost(glance: data.Glance) -> tuple[str, str]:
    """What is said when the fleet cannot be read: since when, and why with what the page shows meanwhile."""
    since = f" since {say()(glance.lost_at)}" if glance.lost_at else ""
    shown = f"What follows is the picture of {say()(glance.fleet.at)}" if glance.fleet else "There is no picture yet"
    if glance.answers:
        return f"Database too slow{since}.", f"It answers, but not within {data.PANEL_SECONDS:g} s. {shown}."
    return f"Database unreachable{since}.", f"It does not answer ({glance.lost_why}). {shown}; nothing can be started."


def top_bar() -> None:
    """Environment, search, age of the data, zone."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small"):
        with st.container(horizontal=True, width="content", vertical_alignment="center", gap="small"):
            st.badge(data.desk().settings.environment.upper(), color="gray")
            if st.button("Find a shop", icon=":material/search:", shortcut="Mod+K", key="find_shop"):
                find_shop()
        with st.container(width="content"):
            st.fragment(age_of_data, run_every=every_so_often())()


def age_of_data() -> None:
    """Of when the picture is; refreshes itself, and with it the snapshot that all pages share."""
    glance = data.glance()
    where = zone_name(zone(), now=now())
    if glance.fleet is None:
        st.caption(f"No data yet · {where}", width="content")
        return
    age = f"Data of {clock(glance.fleet.at, zone())}, {ago(glance.fleet.at, now())}"
    st.caption(f"{age if glance.live else f':red[{age}]'} · {where}", width="content")


@st.dialog("Find a shop", width="medium")
def find_shop() -> None:
    """By anything that a ticket may hold; the matches lead to the shop's page."""
    text = st.text_input(
        "Name, domain, e-mail, id, error text or a pasted address",
        key="find_shop_text",
        icon=":material/search:",
        live="250ms",
    )
    if not text:
        st.caption("The first matches appear here.")
        return
    with panel("The matches", refreshes=False):
        _matches(text, data.search(data.Question(text=text), None, MATCHES))


def _matches(text: str, found: ShopPage) -> None:
    for row in found.rows:
        label = f"**{plain(row.name)}**  {row.domain}" if row.name != row.domain else row.domain
        st.page_link(page("shop"), label=label, query_params={"domain": row.domain}, width="stretch")
    if not found.rows:
        st.caption("No shop matches.")
    elif found.next_after:
        st.page_link(page("shops"), label="All that match", query_params={"q": text}, icon=":material/arrow_forward:")


def draw(card: Card) -> None:
    """A chart under a sentence that already says what it shows."""
    with st.container(border=True, gap="xsmall", height="stretch"):
        title = f":red[{card.title}]" if card.bad else card.title
        st.markdown(f"**{title}**  \n:small[:gray[{card.note}]]")
        if card.share is not None:
            st.progress(card.share, text=f":small[:gray[{round(100 * card.share)} of 100 installs]]")
        if card.figure is not None:
            st.plotly_chart(card.figure, key=card.key, config=charts.PLOT_CONFIG, alt=card.alt)
