"""A believable month, written once through the product's own verbs with a clock of its own.

Nothing is invented beside the tables: each install, try, failure and success is a call of the same
lifecycle that serves real shops, at a moment in the past. Every finished shop is due for a refresh
in the first minutes of the demo, so that its rows are really there.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from sync_core import finding, install, lifecycle
from sync_core.config import Settings
from sync_core.credentials import TokenPair
from sync_core.demo.names import domains, name_of
from sync_core.errors import Held, ShopifyError, Throttled, Unavailable
from sync_core.lifecycle import Claim, Usage
from sync_core.models import ShopProfile, ShopSync, Sweep
from sync_core.states import Hold, Trigger
from sync_core.sweep import slot_of
from sync_core.vault import Vault

DAYS = 30
SHOPS = 150
OWNER = "scheduler@demo:1"
REFRESH_SECONDS = (10, 150)
KINDS = {"products": ("products", "variants"), "customers": ("customers",), "orders": ("orders",)}
FAILING, FROZEN, REVOKED, GONE_AGAIN = "kitsune-prints", "pine-supply", ("nordic-lanterns", "casa-de-lino"), "rue-noire"

Mint = Callable[[str], TokenPair]


@dataclass(frozen=True)
class Shopify:
    """What a history asks of it, by domain: a token; how many products, variants, customers, orders there are."""

    mint: Mint
    sizes: Callable[[str], dict[str, int]]


@dataclass(frozen=True)
class Past:
    """What writing the past needs: a transaction, the moment it ends at, and Shopify."""

    session: Session
    until: datetime
    settings: Settings
    vault: Vault
    shopify: Shopify
    rng: random.Random


def write_month(past: Past, *, shops: int = SHOPS) -> None:
    """Installs that ended well, and the safety checks of the month."""
    caught = [_ordinary(past, domain) for domain in domains(shops, past.rng)]
    _write_sweeps(past, [moment for moment in caught if moment])


def _ordinary(past: Past, domain: str) -> datetime | None:
    """One install that ended well; the moment at which the sweep caught it, if it did."""
    rng = past.rng
    at = past.until - timedelta(days=rng.uniform(0.04, DAYS))
    shop_id = _install(past, domain, at)
    started, trigger = _start(past, shop_id, at)
    claim = _claim(past, shop_id, started)
    for error in _mishaps(rng):
        started += timedelta(seconds=rng.uniform(4, 20))
        failed = _fail(past, claim, error, started)
        claim = _claim(past, shop_id, failed)
        started = failed
    _complete(past, claim, started + timedelta(seconds=min(280.0, rng.lognormvariate(4.3, 0.5))))
    return started if trigger is Trigger.SWEEP else None


def _start(past: Past, shop_id: str, at: datetime) -> tuple[datetime, Trigger]:
    """Who started it: the browser mostly, else the wake, the safety check, or staff."""
    rng = past.rng
    kinds = (Trigger.ONBOARDING, Trigger.WAKE, Trigger.SWEEP, Trigger.MANUAL)
    trigger = rng.choices(kinds, weights=(86, 11, 2, 1))[0]
    wait = {Trigger.ONBOARDING: (1, 3), Trigger.WAKE: (10, 12), Trigger.SWEEP: (185, 460), Trigger.MANUAL: (60, 170)}
    started = at + timedelta(seconds=rng.uniform(*wait[trigger]))
    if trigger is not Trigger.WAKE:
        actor = "Ada Lindqvist" if trigger is Trigger.MANUAL else None
        lifecycle.request(past.session, shop_id, trigger=trigger, now=started, actor=actor)
    return started, trigger


def _mishaps(rng: random.Random) -> list[ShopifyError]:
    """What went wrong on the way: mostly nothing."""
    if rng.random() > 0.12:
        return []
    kinds = (
        Unavailable("Shopify answered 503 on products, page 4", status=503),
        Throttled("Asked too often", status=429),
    )
    return [rng.choice(kinds) for _ in range(rng.choice((1, 1, 2)))]


def write_troubled(past: Past) -> dict[str, str]:
    """The shops that need somebody. Returns: their domains, each with the trouble that the sandbox must make."""
    ago = {"minutes": 41}, {"minutes": 22}
    for name, span in zip(REVOKED, ago, strict=True):
        revoked = Held(Hold.REAUTHORISE, "Shopify refuses our access", status=401)
        _finished_then(past, name, past.until - timedelta(**span), revoked)
    frozen = Held(Hold.FROZEN, "Shopify answered 402 on products, page 1: the shop is frozen", status=402)
    _finished_then(past, FROZEN, past.until - timedelta(hours=3), frozen)
    _fails_on(past, FAILING)
    _uninstalled(past, GONE_AGAIN)
    return {f"{FAILING}.myshopify.com": "failing", f"{FROZEN}.myshopify.com": "frozen"} | {
        f"{name}.myshopify.com": "revoked" for name in REVOKED
    }


def _finished_then(past: Past, name: str, at: datetime, error: ShopifyError) -> None:
    """Synced some days ago; a refresh then met a wall."""
    shop_id = _install(past, f"{name}.myshopify.com", at - timedelta(days=4))
    first = at - timedelta(days=4) + timedelta(seconds=2)
    lifecycle.request(past.session, shop_id, trigger=Trigger.ONBOARDING, now=first)
    _complete(past, _claim(past, shop_id, first), first + timedelta(seconds=70), refresh_at=at)
    _fail(past, _claim(past, shop_id, at), error, at + timedelta(seconds=2))


def _fails_on(past: Past, name: str) -> None:
    """Installed within the hour and failing since: the one that is ours to mend."""
    at = past.until - timedelta(minutes=58)
    shop_id = _install(past, f"{name}.myshopify.com", at)
    moment = at + timedelta(seconds=2)
    lifecycle.request(past.session, shop_id, trigger=Trigger.ONBOARDING, now=moment)
    while moment < past.until - timedelta(seconds=5):
        claim = _claim(past, shop_id, moment)
        error = Unavailable("Shopify answered 500 on products, page 1", status=500)
        moment = _fail(past, claim, error, moment + timedelta(seconds=3))


def _uninstalled(past: Past, name: str) -> None:
    at = past.until - timedelta(days=9)
    domain = f"{name}.myshopify.com"
    shop_id = _install(past, domain, at)
    lifecycle.request(past.session, shop_id, trigger=Trigger.ONBOARDING, now=at + timedelta(seconds=2))
    claim = _claim(past, shop_id, at + timedelta(seconds=3))
    _complete(past, claim, at + timedelta(seconds=80))
    left = at + timedelta(days=5)
    own: dict[str, Any] = {"settings": past.settings, "vault": past.vault}
    install.uninstall(past.session, domain=domain, triggered_at=left, now=left, **own)


def _install(past: Past, domain: str, at: datetime) -> str:
    pair = past.shopify.mint(domain)
    own: dict[str, Any] = {"settings": past.settings, "vault": past.vault}
    done = install.register(past.session, domain=domain, pair=pair, authorised_at=at, now=at, **own)
    name = name_of(domain)
    profile = ShopProfile(shop_id=done.shop_id, name=name, name_folded=name.casefold(), updated_at=at)
    past.session.add(profile)
    past.session.flush()
    finding.know(past.session, done.shop_id, {"name": name})
    return done.shop_id


def _claim(past: Past, shop_id: str, at: datetime) -> Claim:
    claim = lifecycle.claim_shop(past.session, shop_id, owner=OWNER, now=at, settings=past.settings)
    if claim is None:
        raise AssertionError(f"{shop_id} is not awake at {at}")
    return claim


def _fail(past: Past, claim: Claim, error: ShopifyError, at: datetime) -> datetime:
    """Book the failure; the moment of the next try (never, for a hold: then the failure's own)."""
    return lifecycle.fail(past.session, claim, error=error, now=at, settings=past.settings).next_at or at


def _complete(past: Past, claim: Claim, at: datetime, *, refresh_at: datetime | None = None) -> None:
    soon = past.until + timedelta(seconds=past.rng.uniform(*REFRESH_SECONDS))
    moment = refresh_at or soon
    sizes = past.shopify.sizes(claim.shop_domain)
    rows = {"shop": {"shop": 1}} | {name: {each: sizes[each] for each in kinds} for name, kinds in KINDS.items()}
    lifecycle.complete(
        past.session,
        claim,
        cursor={},
        progress={name: _leg(counts[name]) for name, counts in rows.items()},
        held={name: {"rows": counts, "as_of": claim.claimed_at.isoformat()} for name, counts in rows.items()},
        usage=_usage(sizes["products"]),
        now=at,
        settings=past.settings,
    )
    # By hand: the product's own refresh is spread over hours, and the demo is to show some soon.
    refresh = update(ShopSync).where(ShopSync.shop_id == claim.shop_id)
    past.session.execute(refresh.values(due_at=moment, wake_at=moment))


def _usage(products: int) -> Usage:
    return Usage(requests=6 + products // 50, points=40 + products * 2, bytes=products * 2_400)


def _leg(done: int) -> dict[str, object]:
    return {"done": done, "total": done, "skipped": None, "ended": True}


def _write_sweeps(past: Past, caught: list[datetime]) -> None:
    """One row a slot, but for a short night of which two were missed."""
    period = past.settings.sweep_period_seconds
    last = slot_of(past.until, period)
    found = {slot_of(moment, period): 1 for moment in caught}
    missed = {last - 12 * 60, last - 12 * 60 + 1}
    # with the running slot: the scheduler, which starts in the middle of it, would have to call it late
    slots = [slot for slot in range(last - int(DAYS * 86_400 / period), last + 1) if slot not in missed]
    past.session.execute(insert(Sweep), [_sweep(past, slot, found.get(slot, 0), period) for slot in slots])


def _sweep(past: Past, slot: int, found: int, period: float) -> dict[str, object]:
    begun = past.until - timedelta(seconds=past.until.timestamp() - slot * period - 0.4)
    row: dict[str, object] = {"slot": slot, "period_seconds": period, "by": OWNER, "due": found, "opened": found}
    row |= {"profile": past.settings.sweep_profile.value, "begun_at": begun}
    return row | {"ended_at": begun + timedelta(milliseconds=40)}
