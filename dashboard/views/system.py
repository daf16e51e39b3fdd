"""System: the processes and their signs of life, what is set and what is not, the last checks."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from sqlalchemy.exc import SQLAlchemyError

from dashboard import data
from dashboard.moments import ago
from dashboard.theme import plain
from dashboard.views import shell
from sync_core.config import Settings
from sync_core.explain import span
from sync_core.health import Process

ROLES = {"scheduler": "Scheduler", "worker": "Worker", "web": "Pages and API"}
COLUMNS = ("Process", "State", "Last sign of life", "Doing", "Since", "Version", "Clock")


def page() -> None:
    st.title("System", anchor=False)
    try:
        st.fragment(live, run_every=shell.every_so_often())()
    except SQLAlchemyError:
        st.error("The database does not answer: processes and checks cannot be shown.")
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("Secrets", anchor=False)
        st.table(secrets(data.desk().settings), border="horizontal", hide_header=True, alt="Which secrets are set")
    with right:
        st.subheader("Settings", anchor=False)
        st.table(chosen(data.desk().settings), border="horizontal", hide_header=True, alt="How this system is set")


def live() -> None:
    """Processes and the safety check; refreshes itself."""
    glance = data.glance()
    _mend(glance)
    st.subheader("Processes", anchor=False)
    found = data.processes()
    if found:
        st.table(as_table(found), border="horizontal", hide_index=True, alt="Processes and their signs of life")
    else:
        st.caption("No process has ever given a sign of life.")
    if glance.fleet is not None:
        checks, say = glance.fleet.checks, shell.say()
        last = f"Last check {say(checks.last_at)}, found {checks.found:,}" if checks.last_at else "No check yet"
        missed = f":gray[ · ]:red[{checks.missed:,} missed since]" if checks.missed else ""
        st.markdown(f":small[:gray[{last} · next {say(checks.next_at) if checks.next_at else 'never'}]{missed}]")


def _mend(glance: data.Glance) -> None:
    """The one thing to do when nobody starts syncs."""
    fleet = glance.fleet
    if fleet is None or fleet.scheduler.alive:
        return
    since = f"since {shell.say()(fleet.scheduler.seen_at)}" if fleet.scheduler.seen_at else "yet"
    st.error(f"The scheduler gave no sign of life {since}. Start it: `python scheduler.py`")


def as_table(found: list[Process]) -> pd.DataFrame:
    """One row a process; columns as COLUMNS."""
    return pd.DataFrame([_cells(process) for process in found], columns=COLUMNS)


def _cells(process: Process) -> tuple[str, ...]:
    now, say = shell.now(), shell.say()
    state = "alive" if process.alive else ":gray[ended]" if process.stopped_at else ":red[**silent**]"
    busy = f"{process.running} of {process.workers} workers busy" if process.workers else plain(process.doing or "")
    offset = f"{process.clock_offset:+.1f} s" if abs(process.clock_offset) >= 1 else "right"
    return (
        f"{ROLES.get(process.role, process.role)}  \n:small[:gray[{plain(process.host)}, {process.pid}]]",
        state,
        ago(process.seen_at, now),
        busy,
        say(process.started_at),
        process.version,
        offset,
    )


def secrets(settings: Settings) -> dict[str, str]:
    """Which secrets are set; never a value."""
    kept = {
        "Shopify app key": settings.shopify_api_key,
        "Shopify app secret": settings.shopify_api_secret,
        "Token keys": settings.token_keys,
        "Cron secret": settings.cron_secret,
        "Internal API secret": settings.internal_api_secret,
        "Read API token": settings.read_api_token,
    }
    unset = "not set: its routes stay closed"
    words = {
        "Token keys": "made once, in a file" if settings.database_url.startswith("sqlite") else "not set",
        "Shopify app key": "not set: no shop can be installed by link",
        "Shopify app secret": "not set: no shop can be installed by link",
    }
    return {name: "set" if value else f":gray[{words.get(name, unset)}]" for name, value in kept.items()}


def chosen(settings: Settings) -> dict[str, str]:
    """How this system is set, where it matters to staff."""
    refresh = f"every {settings.refresh_hours:g} h" if settings.refresh_hours else "only when asked or told by Shopify"
    return {
        "Environment": plain(settings.environment),
        "Address": plain(settings.app_url),
        "Shopify": "played by a sandbox on this machine" if settings.sandboxed else settings.shopify_api_version,
        "Safety check": f"every {span(settings.sweep_period_seconds)}, {settings.sweep_profile} profile",
        "Workers": f"{settings.workers} in each process",
        "Refresh of complete shops": refresh,
        "Sign-in": "local: one admin, this machine only",
    }


page()
