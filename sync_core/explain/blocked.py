"""The sentences for a shop that only an outside event can bring back: one row a reason."""

from __future__ import annotations

from dataclasses import dataclass

from sync_core.explain.running import nobody_works
from sync_core.explain.situation import Explanation, Situation
from sync_core.explain.waiting import Offer, sync_now
from sync_core.explain.words import ACTOR_OF_HOLD, Action, Say, clean
from sync_core.states import Hold


@dataclass(frozen=True)
class Block:
    """What differs from one reason to the next."""

    headline: str
    why: str
    mend: str
    """What ends it; begins a sentence."""
    read_aloud: str
    action: Action
    off_because: str | None = None


BLOCKS = {
    Hold.REAUTHORISE: Block(
        "Blocked: access revoked.",
        "Shopify refuses our access; asked again once, refused",
        "No try until the merchant reconnects; then it starts by itself",
        "Our app has lost its access to your shop. Open the link that I send you and confirm once; that is all.",
        Action.LINK,
        "Only the merchant can give access again.",
    ),
    Hold.SCOPE: Block(
        "Blocked: permission missing.",
        "Our app may not read the products",
        "It starts by itself when the merchant agrees to the permissions",
        "Our app lacks a permission to read your products. Open the link that I send you and agree; that is all.",
        Action.LINK,
        "Only the merchant can give the permission.",
    ),
    Hold.FROZEN: Block(
        "Blocked: plan frozen.",
        "Shopify froze the shop's plan (402); most often a bill is unpaid",
        "When the merchant says that it is paid, Sync now tries at once",
        "Shopify has frozen your plan, most often for an unpaid bill. When it is paid, your data is copied by itself.",
        Action.SYNC,
    ),
    Hold.LOCKED: Block(
        "Blocked: locked by Shopify.",
        "Shopify has locked the shop (423)",
        "When Shopify has unlocked it, Sync now tries at once",
        "Shopify has locked your shop. Ask Shopify's support why; then your data is copied by itself.",
        Action.SYNC,
    ),
    Hold.GONE: Block(
        "Blocked: shop closed or renamed.",
        "Shopify answered three times in a row that there is no such shop (404)",
        "It starts by itself when the merchant installs the app from the shop's present address",
        "Shopify does not find your shop under the address that we know. Install the app again from the present one.",
        Action.INSTALL_LINK,
        "There is no shop at this address.",
    ),
    Hold.STOPPED: Block(
        "Stopped by staff.",
        "Somebody of the staff stopped syncing this shop",
        "No try until somebody presses Sync now",
        "Copying your data is paused by our team.",
        Action.SYNC,
    ),
    Hold.UNINSTALLED: Block(
        "Uninstalled.",
        "The merchant removed the app",
        "Nothing happens until the merchant installs the app again",
        "Our app is not installed in your shop. Install it with the link that I send you; the rest is automatic.",
        Action.INSTALL_LINK,
        "The app is not installed.",
    ),
}


def blocked(at: Situation, hold: Hold, say: Say) -> Explanation:
    """A shop under this reason."""
    block = BLOCKS[hold]
    offer = sync_now(at) if block.action is Action.SYNC else Offer(block.action, block.off_because)
    return Explanation(
        headline=block.headline,
        now=f"{_since(at, hold, say)}; {_data(at, hold, say)}.",
        why=f"{block.why}{_detail(at, hold)}.",
        next=_next(at, block, offer, say),
        who=ACTOR_OF_HOLD[hold],
        read_aloud=block.read_aloud,
        action=offer.action,
        off_because=offer.off_because,
    )


def _since(at: Situation, hold: Hold, say: Say) -> str:
    word = {Hold.STOPPED: "Stopped", Hold.UNINSTALLED: "Uninstalled"}.get(hold, "Blocked")
    return f"{word} since {say(at.held_since or at.since)}"


def _data(at: Situation, hold: Hold, say: Say) -> str:
    if at.data_of is None:
        return "there is no data"
    kept = "is kept" if hold is Hold.UNINSTALLED else "stays in use"
    return f"the data of {say(at.data_of)} {kept}"


def _detail(at: Situation, hold: Hold) -> str:
    """Which permission it is; of any other reason the failed try's words say what its sentence says already."""
    detail = clean(at.error_message) if hold is Hold.SCOPE else ""
    return f": {detail}" if detail else ""


def _next(at: Situation, block: Block, offer: Offer, say: Say) -> str:
    if not at.workers_alive and (at.run is not None or offer.action is Action.OFF):
        return nobody_works(at, say)
    if at.run is not None:
        return "It is tried again as soon as a worker is free."
    due = at.next_at or at.due_at
    if due is not None and at.needs_first:
        return f"We do not look again by ourselves until {at.needs_first} runs. {block.mend}."
    if due is None or due <= at.now:
        return f"{block.mend}."
    return f"We look again by ourselves at {say(due)}. {block.mend}."
