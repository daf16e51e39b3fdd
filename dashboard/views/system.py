"""System: the processes and their signs of life, what is set and what is not, the last checks."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
import streamlit as st
from sqlalchemy.exc import SQLAlchemyError

from dashboard import data
from dashboard.moments import ago
from dashboard.theme import plain
from dashboard.views import shell
from sync_core import doctor
from sync_core.alerts.channels import channels
from sync_core.alerts.snapshot import Severity
from sync_core.config import Settings
from sync_core.errors import TooSlow
from sync_core.explain import count, span
from sync_core.explain.words import clean
from sync_core.health import Accuracy, Capacity, Fleet, Picture, Process

ROLES = {"scheduler": "Scheduler", "worker": "Worker", "web": "Pages and API"}
COLUMNS = ("Process", "State", "Last sign of life", "Doing", "Since", "Version", "Clock")
CHECKED = ("Check", "Found")
START = "`shopsync worker`"
KNOWN_ELSEWHERE = {name.upper() for name in doctor.SECRETS}


def page() -> None:
    st.title("System", anchor=False)
    st.fragment(live, run_every=shell.every_so_often())()
    settings = data.desk().settings
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("Checked now", anchor=False)
        st.fragment(checked_now, run_every=shell.every_so_often())()
        st.subheader("Settings", anchor=False)
        st.table(chosen(settings), border="horizontal", hide_header=True, alt="How this system is set")
    with right:
        st.subheader("Who is told", anchor=False)
        st.table(told(settings), border="horizontal", hide_header=True, alt="Channels of alerts")
        st.subheader("Secrets", anchor=False)
        st.table(secrets(settings), border="horizontal", hide_header=True, alt="Which secrets are set")


def live() -> None:
    """What kind of silence this is, the processes, and the safety check; refreshes itself."""
    glance = data.glance()
    if not glance.live:
        st.error(plain(" ".join(shell.lost(glance))))
    elif glance.fleet is not None:
        _picture(glance.fleet)
    st.subheader("Processes", anchor=False)
    with shell.panel("Processes"):
        _processes(data.processes())
    with shell.panel("What shops that never succeed cost"):
        if starved := in_vain(data.capacity()):
            st.markdown(f":small[:gray[{starved}]]")
    with shell.panel("Estimated starts"):
        if kept := kept_word(data.accuracy()):
            st.markdown(f":small[:gray[{kept}]]")
    if glance.live and glance.fleet is not None:
        checks, say = glance.fleet.checks, shell.say()
        last = f"Last check {say(checks.last_at)}, found {checks.found:,}" if checks.last_at else "No check yet"
        missed = f" :gray[·] :red[{checks.missed:,} missed since]" if checks.missed else ""
        st.markdown(f":small[:gray[{last} · next {say(checks.next_at) if checks.next_at else 'never'}]{missed}]")


def kept_word(found: Accuracy) -> str:
    """How good the estimated starts of the last 24 h were; nothing while none has come about."""
    if not found.n or found.p50 is None or found.p95 is None:
        return ""
    share = f"{found.k:,} of {found.n:,} estimated starts came within 30 s or a tenth of the wait"
    percent = f"{100 * found.k / found.n:.0f} %"
    return f"In 24 h {share}, {percent}; half within {span(found.p50)}, 95 % within {span(found.p95)}"


def _processes(found: list[Process]) -> None:
    if found:
        st.table(as_table(found), border="horizontal", hide_index=True, alt="Processes and their signs of life")
    else:
        st.caption("No process has ever given a sign of life.")


def in_vain(found: Capacity) -> str:
    """What shops that never succeed took of the last hour; nothing while that is not a tenth of a worker."""
    if round(found.lost, 1) == 0:
        return ""
    shops = count(found.shops, "shop")
    lost = f"{shops} that never had data kept {found.lost:.1f} workers busy in the last hour"
    return f"{lost}; {found.left:.1f} of the {found.workers:,} alive now are left for the others"


def _picture(fleet: Fleet) -> None:
    """Silence has pictures that must not look alike: dead; failing; nobody to run; over the limit; nothing due."""
    if fleet.picture is Picture.SCHEDULER_DEAD:
        since = f"since {shell.say()(fleet.scheduler.seen_at)}" if fleet.scheduler.seen_at else "yet"
        st.error(f"The scheduler gave no sign of life {since}. Start it: `python scheduler.py`")
    elif fleet.picture is Picture.CHECKS_FAIL and fleet.checks.failed:
        said = plain(clean(fleet.checks.failed.error))
        st.error(f"The scheduler is alive, and its checks fail: {said}. [Checks](/sweeps) lists each.")
    elif fleet.picture is Picture.NO_WORKER:
        st.error("The scheduler is alive and shops are due, but no worker gives a sign of life. Start one: " + START)
    elif fleet.picture is Picture.OVER_LIMIT:
        left = count(fleet.checks.over_limit, "shop")
        st.warning(
            f"The scheduler is alive, and more is due than one check may start: the last left {left} for the next. "
            "Raise SWEEP_BATCH, or set SWEEP_PROFILE=prompt."
        )
    elif fleet.picture is Picture.NOTHING_DUE:
        st.markdown("The scheduler is alive, and nothing is due.")
    else:
        st.markdown("The scheduler is alive, and shops that are due are being started.")


def checked_now() -> None:
    """What `shopsync doctor` finds, each with its mend; refreshes itself."""
    with shell.panel("Checks"):
        _checked([check for check in data.checked() if check.name not in KNOWN_ELSEWHERE])


def _checked(found: list[doctor.Check]) -> None:
    rows = pd.DataFrame([_check(check) for check in found], columns=CHECKED)
    st.table(
        rows, border="horizontal", hide_index=True, hide_header=True, alt="What was checked just now, and the mend"
    )


def _check(check: doctor.Check) -> tuple[str, str]:
    name = f"{check.name[:1].upper()}{check.name[1:]}"
    if check.ok:
        return name, plain(check.found)
    return f":red[**{name}**]", f":red[{plain(check.found)}]  \n:small[{plain(check.mend)}]"


def told(settings: Settings) -> dict[str, str]:
    """Which channels are set: their kind, never their address; and whether the dead man's switch heard us."""
    unset = {
        Severity.PAGE: ":red[not set: nobody is woken]",
        Severity.TICKET: ":gray[not set: what can wait is told to nobody]",
    }
    rows = {}
    for severity, name in ((Severity.PAGE, "What wakes somebody"), (Severity.TICKET, "What can wait")):
        names = ", ".join(channel.name for channel in channels(settings, severity))
        rows[name] = plain(names) if names else unset[severity]
    return rows | {"Dead man's switch": _switch(settings)}


def _switch(settings: Settings) -> str:
    if settings.healthcheck_ping_url is None:
        return ":gray[not set: nobody outside notices when all of this falls silent]"
    try:
        last = max((each for each in data.processes() if each.pinged_at), key=_pinged_at, default=None)
    except (SQLAlchemyError, TooSlow):
        return "set; the database does not answer, so its last answer is not known"
    if last is None or last.pinged_at is None:
        return "set; not asked yet"
    if last.ping_error:
        return f":red[the last ping failed {ago(last.pinged_at, shell.now())}: {plain(last.ping_error)}]"
    return f"heard us {ago(last.pinged_at, shell.now())}"


def _pinged_at(process: Process) -> datetime:
    assert process.pinged_at is not None  # noqa: S101 - asked only of those that pinged
    return process.pinged_at


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
