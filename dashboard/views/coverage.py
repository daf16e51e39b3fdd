"""The line that shows that every install is accounted for, and the way from each class to its shops."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode

import streamlit as st

from dashboard.views import shell
from sync_core.explain import PATHS, count
from sync_core.health import Entered, Ledger, Objectives

CLASSES = {
    **{path: words.lower() for path, words in PATHS.items()},
    "waiting": "waiting",
    "overdue": "started by nobody",
    "retrying": "retrying",
    "held": "blocked",
    "uninstalled": "uninstalled before",
    "lost": "unaccounted for",
}
"""Class of the ledger to the screen's words."""
BY_ADDRESS = {words.replace(" ", "-"): name for name, words in CLASSES.items()}
"""An address is read by people, too: `class=safety-check`."""
ADDRESS_OF = {name: address for address, name in BY_ADDRESS.items()}


def show(figures: Objectives) -> None:
    """Every install of the window in exactly one class; red with the gap when something is lost."""
    if not figures.ledger.installs:
        st.markdown(":small[:gray[No install in this window]]")
        return
    young = figures.sync_success.unjudged
    yet = f" :gray[· {young:,} younger than 24 h {'is' if young == 1 else 'are'} not judged yet]" if young else ""
    st.markdown(f":small[{sums(figures)}{yet}]")


def sums(figures: Objectives) -> str:
    """`150 installs = 141 browser + 6 safety check + 3 retrying: adds up`, each class a link to its shops."""
    ledger = figures.ledger
    parts = [_part(name, n, figures) for name, n in ledger.classes.items() if n]
    whole = f"{count(ledger.installs, 'install')} = {' + '.join(parts)}"
    if ledger.gap:
        return f":red[{whole}: **{_gap(ledger)}**]"
    return f":red[{whole}]" if ledger.classes.get("overdue") else f":gray[{whole}: adds up]"


def _gap(ledger: Ledger) -> str:
    """Those without a class, in plain words; a sum that is too large is a gap, too."""
    if ledger.gap < 0:
        return f"{-ledger.gap:,} too many: it does not add up"
    return f"{ledger.gap:,} unaccounted for; nothing will start {'it' if ledger.gap == 1 else 'them'}"


def _part(name: str, n: int, figures: Objectives) -> str:
    return f"[{n:,} {CLASSES[name]}]({address(Entered(name, figures.since, figures.until))})"


def address(entered: Entered) -> str:
    """The page of the shops of a class, to the millisecond: no install of the window is cut off."""
    ends = {"from": _stamp(entered.since), "to": _stamp(entered.until)}
    return f"/shops?{urlencode({'class': ADDRESS_OF[entered.name], **ends})}"


def asked() -> Entered | None:
    """The class that the address of this page names, or None when it names none that we know."""
    query = st.query_params
    try:
        ends = [datetime.fromisoformat(query.get(word, "")) for word in ("from", "to")]
    except ValueError:
        return None
    name = BY_ADDRESS.get(query.get("class", ""))
    if name is None or not all(end.tzinfo for end in ends):
        return None
    return Entered(name, *(end.astimezone(UTC) for end in ends))


def heading(entered: Entered) -> None:
    """What this list is, and the way back to all shops."""
    say = shell.say()
    words = f"Installs from {say(entered.since)} to {say(entered.until)}: **{CLASSES[entered.name]}**"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(words, width="content")
        st.button("All shops", key="all_shops", type="tertiary", icon=":material/close:", on_click=_forget)


def _forget() -> None:
    for word in ("class", "from", "to", "page"):
        st.query_params.pop(word, None)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
