"""What lies behind each cause of failure, and the first thing to do about it: one row a cause. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mend:
    """`cause`: why shops fail so; `action`: what to do first. Both in the screen's words."""

    cause: str
    action: str


MENDS = {
    "unavailable": Mend(
        "Shopify did not answer for these shops, or too late; it does answer for others",
        "Read the error of the first shop: a network, proxy or name server of ours is the likeliest reason",
    ),
    "throttled": Mend(
        "Shopify says that we ask these shops too often",
        "See whether another program uses the same app; else lower WORKERS",
    ),
    "security": Mend(
        "Shopify took our calls for an attack (430)",
        "Stop other programs that call with this app, then give Shopify's support the request ids of the shop's page",
    ),
    "refused": Mend(
        "Shopify did not accept a question of ours",
        "See whether Shopify still serves SHOPIFY_API_VERSION; else give the error to an engineer",
    ),
    "access_denied": Mend(
        "Shopify denies a permission or an approval of protected data",
        "Compare SHOPIFY_SCOPES and the app's approvals at Shopify with what the error names",
    ),
    "not_found": Mend(
        "Shopify does not know these shops (404)",
        "Nothing for one hour: they are asked twice more, then blocked; many at once may mean a wrong address of ours",
    ),
    "stalled": Mend(
        "Syncs made no progress until they were ended",
        "Read the log of the worker at the time of the last page",
    ),
    "internal": Mend(
        "An error of our own",
        "Give the error to an engineer; the shops are tried again by themselves until it is mended",
    ),
    "orphaned": Mend(
        "Workers die in the middle of these shops",
        "See why the worker's process ends: memory, disk or restarts; its last log line names the shop",
    ),
    "reauthorise": Mend(
        "Shopify refuses our access to these shops",
        "Send each merchant the reconnect link of the shop's page; many at once: check SHOPIFY_API_SECRET",
    ),
    "scope": Mend(
        "Our app may not read the products of these shops",
        "Send each merchant the reconnect link of the shop's page; many at once: check SHOPIFY_SCOPES",
    ),
    "frozen": Mend(
        "Shopify froze the plan of these shops; most often a bill is unpaid",
        "Tell the merchants; each shop is looked at again every 6 hours by itself",
    ),
    "locked": Mend(
        "Shopify locked these shops",
        "Ask Shopify's support why; each shop is looked at again every 6 hours by itself",
    ),
    "gone": Mend(
        "Shopify answered three times in a row that there is no such shop",
        "Ask the merchants whether they closed or renamed the shop; a renamed one needs the install link",
    ),
}

NO_WORKER = Mend("No worker gives a sign of life", "Start one: python scheduler.py, or shopsync worker")
WORKERS_BUSY = Mend("All workers are busy", "Start another (shopsync worker), or raise WORKERS")
LEFT_OVER = Mend("More shops are due than one safety check may start", "Raise SWEEP_BATCH, or set SWEEP_PROFILE=prompt")
NOT_TAKEN = Mend("Workers are alive and free, and take none of them", "Read the log of the workers")
SCHEDULER_SILENT = Mend("The scheduler gives no sign of life", "Start it: python scheduler.py")
ENDS_NONE = Mend(
    "The scheduler ends no check: it has just died, stands still, or a check takes very long",
    "See on System whether it is alive; when it is not, start it again: python scheduler.py",
)
NEVER_STARTED = Mend("No scheduler was ever started", "Start it: python scheduler.py")
CHECK_FAILS = Mend("Checks begin, and do not end well", "Read how they ended on the page Checks")
STANDS_STILL = Mend(
    "Workers are alive, but stored no page for a long time and did not end the sync",
    "Open the first shop and press Take over",
)
CLOCK_OFF = Mend("The clock of a host is not the database's", "Start time synchronisation (NTP) on that host")
BACKWARDS = Mend(
    "A step of an install ended before it began: two clocks disagree", "Start time synchronisation on all hosts"
)
SHOPIFY_DOWN = Mend(
    "Shopify gives most shops no answer", "Nothing: every shop is tried again by itself until Shopify answers"
)
UNREACHABLE = Mend("The database does not answer", "Start it, or correct DATABASE_URL")
