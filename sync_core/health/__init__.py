"""Read-only questions about the fleet: frames and frozen values. Nothing here writes.

This moment: `fleet` (its sentence: `verdict`), `late_starts`, `heartbeats`, `capacity`. A window: `objectives`,
`series`, `installs`, `pickups`, `losses`, `losses_by_day`, `failures`, `slots`, `browser_path`; those that take
`books` share what was read. Lists: `search`, `sweeps`. One shop: `shop`, `timeline`.
"""

from __future__ import annotations

from sync_core.health.accuracy import Accuracy, accuracy
from sync_core.health.answering import Answering, ShopifyState
from sync_core.health.browser import BrowserPath, browser_path
from sync_core.health.capacity import Capacity, capacity
from sync_core.health.checks import Tick, TickPage, slots, sweeps
from sync_core.health.coming import Coming, LateStarts, Waiting, coming, late_starts
from sync_core.health.episodes import Worst
from sync_core.health.fleet import Checks, Fleet, Life, Picture, fleet
from sync_core.health.heartbeats import Process, heartbeats
from sync_core.health.hours import Books, Memory, books
from sync_core.health.installs import failures, installs, losses, pickups, window
from sync_core.health.ledger import Ledger
from sync_core.health.needs import Group
from sync_core.health.objectives import Budget, Objectives, Share, objectives
from sync_core.health.report import report
from sync_core.health.search import Entered, ShopPage, ShopRow, search
from sync_core.health.series import Part, Point, Step, losses_by_day, series
from sync_core.health.shop import Attempt, Held, ShopView, shop
from sync_core.health.shop_order import Sort
from sync_core.health.timeline import Entry, Mark, timeline
from sync_core.health.times import Times, TimeToSync
from sync_core.health.verdict import Kind, Verdict, silent_since, verdict

__all__ = [
    "Accuracy",
    "Answering",
    "Attempt",
    "Books",
    "BrowserPath",
    "Budget",
    "Capacity",
    "Checks",
    "Coming",
    "Entered",
    "Entry",
    "Fleet",
    "Group",
    "Held",
    "Kind",
    "LateStarts",
    "Ledger",
    "Life",
    "Mark",
    "Memory",
    "Objectives",
    "Part",
    "Picture",
    "Point",
    "Process",
    "Share",
    "ShopPage",
    "ShopRow",
    "ShopView",
    "ShopifyState",
    "Sort",
    "Step",
    "Tick",
    "TickPage",
    "TimeToSync",
    "Times",
    "Verdict",
    "Waiting",
    "Worst",
    "accuracy",
    "books",
    "browser_path",
    "capacity",
    "coming",
    "failures",
    "fleet",
    "heartbeats",
    "installs",
    "late_starts",
    "losses",
    "losses_by_day",
    "objectives",
    "pickups",
    "report",
    "search",
    "series",
    "shop",
    "silent_since",
    "slots",
    "sweeps",
    "timeline",
    "verdict",
    "window",
]
