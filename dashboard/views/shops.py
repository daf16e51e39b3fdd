"""Shops: find some among all, page by page; what is asked stands in the address, so a link shows the same list."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import access, acts, data
from dashboard.moments import ago
from dashboard.spreadsheet import as_csv
from dashboard.theme import plain, status_words
from dashboard.views import coverage, shell
from sync_core import explain
from sync_core.errors import BadInput
from sync_core.explain import CAUSES, PATHS, count
from sync_core.health import ShopPage, ShopRow, Sort
from sync_core.states import Status

ROWS = 50
IN_SIGHT = 18
TOGETHER = 10  # larger plans are not made by ticking boxes

STATUSES = {
    Status.COMPLETED.value: "Up to date or refreshing",
    Status.IN_PROGRESS.value: "Syncing",
    Status.PENDING.value: "Waiting to be started",
    Status.FAILED.value: "Failed or blocked",
}
SORTS = {
    "By domain": Sort.DOMAIN,
    "Waiting longest": Sort.WAITING,
    "Newest install": Sort.NEWEST,
}
COLUMNS = ("Shop", "Domain", "Status", "Data of", "Problem", "Next try", "Installed")


def page() -> None:
    st.title("Shops", anchor=False)
    question = _asked()
    if question.entered:
        coverage.heading(question.entered)
    with shell.panel("The shops", refreshes=False):
        _list(question, _found(question))


def _found(question: data.Question) -> ShopPage:
    """The page of the address, else the first one."""
    try:
        return data.search(question, st.query_params.get("page"), ROWS)
    except BadInput:
        st.query_params.pop("page", None)
        return data.search(question, None, ROWS)


def _list(question: data.Question, found: ShopPage) -> None:
    if not found.rows:
        st.caption("No shop matches. Take a filter away, or search for less.")
        return
    above = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
    chosen = _table(question, found)
    with above:
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            st.caption(count(found.total, "shop", capped=found.capped), width="content")
            shell.answer()
        with st.container(horizontal=True, width="content", vertical_alignment="center", gap="small"):
            _offer(found, chosen)
    _turn(found)


def _asked() -> data.Question:
    """The filters; each is bound to the address, and a change of any leads back to the first page."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        text = st.text_input(
            "Search",
            key="q",
            bind="query-params",
            placeholder="Name, domain, e-mail, id, error",
            icon=":material/search:",
            width=250,
            on_change=_first_page,
        )
        status = _one_of("Status", "status", STATUSES)
        cause = _one_of("Cause", "cause", {cause: explain.cause_words(cause) for cause in CAUSES})
        path = _one_of("Started by", "path", PATHS, width=124)
        sort = st.selectbox("Order", list(SORTS), key="sort", bind="query-params", width=148, on_change=_first_page)
        overdue = st.toggle("Overdue", key="overdue", bind="query-params", on_change=_first_page)
        attention = st.toggle("Needs attention", key="attention", bind="query-params", on_change=_first_page)
    return data.Question(
        text=text or "",
        status=Status(status) if status else None,
        cause=cause,
        path=path,
        overdue=overdue,
        attention=attention,
        entered=coverage.asked(),
        sort=SORTS[sort or "By domain"],
    )


def _one_of(label: str, name: str, words: dict[str, str], *, width: int = 168) -> str | None:
    """A choice whose key stands in the address and stays when its words change: so it is bound by hand."""
    key = f"{name}_chosen"
    if key not in st.session_state:
        asked = st.query_params.get(name)
        st.session_state[key] = asked if asked in words else None
    return st.selectbox(
        label,
        list(words),
        key=key,
        placeholder="Any",
        format_func=words.__getitem__,
        width=width,
        on_change=_keep,
        args=(name, key),
    )


def _keep(name: str, key: str) -> None:
    _first_page()
    chosen = st.session_state[key]
    if chosen:
        st.query_params[name] = chosen
    else:
        st.query_params.pop(name, None)


def _first_page() -> None:
    st.query_params.pop("page", None)


def as_table(found: ShopPage) -> pd.DataFrame:
    """One row a shop, in the screen's words; columns as COLUMNS."""
    say, now = shell.say(), shell.now()

    def cells(row: ShopRow) -> tuple[str, ...]:
        problem = explain.cause_words(row.cause) if row.cause else ""
        return (
            row.name,
            row.domain,
            status_words(row.status, row.hold, synced=row.last_synced_at is not None),
            ago(row.last_synced_at, now) if row.last_synced_at else "never",
            problem,
            say(row.due_at) if row.due_at and row.status is not Status.IN_PROGRESS else "",
            say(row.installed_at),
        )

    return pd.DataFrame([cells(row) for row in found.rows], columns=COLUMNS)


def _table(question: data.Question, found: ShopPage) -> list[ShopRow]:
    """The rows that are ticked. The key holds question and page: ticks are positions, not shops."""
    table = as_table(found)
    table["Shop"] = [f"/shop?domain={row.domain}#{row.name}" for row in found.rows]
    state = st.dataframe(
        table,
        hide_index=True,
        key=f"shops {question} {st.query_params.get('page')}",
        on_select="rerun",
        selection_mode="multi-row",
        height="content" if len(table) <= IN_SIGHT else 35 * IN_SIGHT + 38,
        column_config={
            "Shop": st.column_config.LinkColumn("Shop", display_text=r"#(.*)$", width=170, pinned=True),
            "Domain": st.column_config.TextColumn(width=210),
            "Status": st.column_config.TextColumn(width=190),
            "Data of": st.column_config.TextColumn(width=110),
            "Problem": st.column_config.TextColumn(width=150),
        },
        alt="Shops that match, one a row",
    )
    return [found.rows[nth] for nth in state["selection"]["rows"] if nth < len(found.rows)]


def _offer(found: ShopPage, chosen: list[ShopRow]) -> None:
    """One or a few shops, opened or started now (each answers for itself); the page for a spreadsheet."""
    st.download_button(
        "This page as CSV",
        data=lambda: as_csv(found),
        file_name="shops.csv",
        mime="text/csv",
        type="tertiary",
        icon=":material/download:",
        on_click="ignore",
    )
    if len(chosen) == 1:
        only = chosen[0]
        st.page_link(shell.page("shop"), label=f"Open {plain(only.name)}", query_params={"domain": only.domain})
    fitting = 0 < len(chosen) <= TOGETHER
    st.button(
        f"Sync {count(len(chosen), 'shop')} now" if chosen else "Sync now",
        type="primary",
        key="sync_chosen",
        disabled=not fitting or not shell.viewer().may(access.SYNC),
        help=None if fitting else f"Tick 1 to {TOGETHER} shops first",
        on_click=_sync,
        args=([row.shop_id for row in chosen],),
    )


def _sync(shop_ids: list[str]) -> None:
    for shop_id in shop_ids:
        shell.tell(acts.sync_now, shell.viewer(), shop_id)


def _turn(found: ShopPage) -> None:
    here = st.query_params.get("page")
    if not here and not found.next_after:
        return
    with st.container(horizontal=True, gap="small"):
        if here:
            st.button("First page", key="first_page", on_click=_first_page, icon=":material/first_page:")
        if found.next_after:
            st.button("Next page", key="next_page", on_click=_go, args=(found.next_after,), icon=":material/east:")


def _go(after: str) -> None:
    st.query_params["page"] = after


page()
