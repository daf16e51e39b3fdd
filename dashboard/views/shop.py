"""Shop: where one shop is, why, what happens next, and what can be done about it."""

from __future__ import annotations

import streamlit as st

from dashboard import data
from dashboard.theme import chip_colour, plain
from dashboard.views import access_end, actions, engineers, held, history, progress, shell
from sync_core import explain
from sync_core.explain import Explanation
from sync_core.health import ShopView

LIVE_SECONDS = 2


def page() -> None:
    domain = st.query_params.get("domain", "")
    with shell.panel("This shop's facts", refreshes=False):
        _show(domain, data.shop(domain) if domain else None)


def _show(domain: str, view: ShopView | None) -> None:
    if view is None:
        _unknown(domain)
        return
    _first_screen(view)
    st.space("xxsmall")
    left, right = st.columns([2, 1], gap="medium")
    with left:
        held.show(view)
        access_end.show(view)
    with right:
        actions.note(view)
    st.space("xxsmall")
    history.show(view)
    engineers.show(view)


def _unknown(domain: str) -> None:
    st.title("No such shop", anchor=False)
    st.caption(f"Nothing is known of {plain(domain)}." if domain else "Which shop? Find it by Find a shop, above.")
    st.page_link(shell.page("shops"), label="All shops", icon=":material/storefront:")


def _first_screen(view: ShopView) -> None:
    every = LIVE_SECONDS if view.open else shell.every_so_often()
    with st.container(gap=6):
        st.markdown(_who(view))
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="top", gap="small"):
            with st.container(width="stretch", gap=6):
                st.fragment(headline, run_every=every)(view.domain, _state(view))
            actions.show(view, said(view))
    st.space("xxsmall")
    st.fragment(sentences, run_every=every)(view.domain)


def _who(view: ShopView) -> str:
    facts = [view.domain]
    if view.profile is not None:
        facts += [view.profile.primary_domain or "", f"{view.profile.plan} plan" if view.profile.plan else ""]
    facts += [f"install no. {view.situation.generation}" if view.situation.generation > 1 else ""]
    words = " · ".join(plain(fact) for fact in facts if fact and fact != view.name)
    admin = f"https://admin.shopify.com/store/{view.domain.removesuffix('.myshopify.com')}"
    return f"**{plain(view.name)}**  :gray[{words} ·] [open in Shopify admin]({admin})"


def said(view: ShopView) -> Explanation:
    """The sentences, in the viewer's zone."""
    return explain.explain(view.situation, say=shell.say())


def _state(view: ShopView) -> tuple[object, ...]:
    """What, when it changes, changes the whole page and not only its first lines."""
    at, run = view.situation, view.situation.run
    return at.status, at.hold, at.generation, at.failures, at.quiet, run and (run.requested_at, run.claimed_at)


def headline(domain: str, shown: tuple[object, ...]) -> None:
    """The verdict at 24 px, who must act, and how old what we have is; refreshes itself."""
    with shell.panel("This shop's state"):
        view = data.shop(domain)
        if view is None or _state(view) != shown:
            st.rerun()
        _headline(view)


def _headline(view: ShopView) -> None:
    explanation = said(view)
    with st.container(gap=6):
        with st.container(horizontal=True):  # a heading in a row has no margin of its own
            st.title(plain(explanation.headline), anchor=False)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge(explanation.chip, color=chip_colour(explanation.who))
            st.caption(held.age(view), width="content")
            shell.answer()


def sentences(domain: str) -> None:
    """What is; why; what comes next. Beside them what can be read to the merchant. Refreshes itself."""
    with shell.panel("What happens next"):
        if view := data.shop(domain):
            _sentences(view)


def _sentences(view: ShopView) -> None:
    explanation = said(view)
    left, right = st.columns([2, 1], gap="medium")
    with left, st.container(gap="xsmall"):
        for word, sentence in (("Now", explanation.now), ("Why", explanation.why), ("Next", explanation.next)):
            with st.container(horizontal=True, wrap=False, gap="small"):
                st.markdown(f":gray[{word}]", width=36)
                st.markdown(plain(sentence), width="stretch")
    with right.container(border=True, gap="xsmall", height="stretch"):
        st.caption("Read to the merchant")
        st.markdown(f"“{plain(explanation.read_aloud)}”")
    progress.show(view.situation)


page()
