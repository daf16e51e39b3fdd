"""The state machine: any order of what merchants, Shopify, the app, staff, workers and time may do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from sync_core.errors import Held, NotFound, Refused, SecurityRejected, Throttled, Unavailable
from sync_core.states import Hold, Mode, Status, Trigger
from tests.properties.ghosts import Merchant, Run
from tests.properties.world import World

SHOPS = st.integers(0, 1)
ANY = st.integers(0, 5)
STATES = st.sampled_from(list(Status))
MODES = st.sampled_from([Mode.CHANGES, Mode.CHANGES, Mode.EVERYTHING])
PEOPLE = st.sampled_from([Trigger.MANUAL, Trigger.API, Trigger.CLI])
OTHERS = st.sampled_from([Trigger.ONBOARDING, Trigger.WEBHOOK])
TRANSIENT = st.sampled_from(
    [
        Unavailable("503"),
        Throttled("429", retry_after=20),
        SecurityRejected("430", status=430),
        Refused("400"),
        KeyError("a bug"),
    ]
)
BLOCKED = st.sampled_from([Held(hold, "blocked") for hold in (Hold.FROZEN, Hold.LOCKED, Hold.SCOPE)])
SPANS = st.sampled_from([timedelta(seconds=1), timedelta(seconds=61), timedelta(minutes=20), timedelta(days=1)])


def anybody(world: World, merchant: Merchant) -> bool:
    return True


def may_authorise(world: World, merchant: Merchant) -> bool:
    return merchant.grant is None


def has_grant(world: World, merchant: Merchant) -> bool:
    return merchant.grant is not None


def is_installed(world: World, merchant: Merchant) -> bool:
    return merchant.installed


def has_notice(world: World, merchant: Merchant) -> bool:
    return bool(merchant.notices)


def is_nobody(world: World, merchant: Merchant) -> bool:
    return world.look(merchant).id is None and merchant.grant is None


def is_known(world: World, merchant: Merchant) -> bool:
    return world.look(merchant).known


def may_be_written(world: World, merchant: Merchant) -> bool:
    """The app writes its row when we have taken over what it wrote before."""
    look = world.look(merchant)
    return look.known and not merchant.app_changes(look)


def is_running(world: World, merchant: Merchant) -> bool:
    return world.look(merchant).running


def may_be_stopped(world: World, merchant: Merchant) -> bool:
    look = world.look(merchant)
    return look.known and not look.gone


Fits = Callable[[World, Merchant], bool]


def when(fits: Fits) -> Callable[[Any], Any]:
    """The rule needs a shop that fits."""
    return precondition(lambda self: any(fits(self.world, merchant) for merchant in self.world.merchants.values()))


class Lifecycle(RuleBasedStateMachine):
    """Rules only choose; the world performs and judges."""

    def __init__(self, make_world: Callable[[float], World]) -> None:
        super().__init__()
        self.make_world = make_world

    @initialize(refresh=st.sampled_from([0.0, 24.0]))
    def begin(self, refresh: float) -> None:
        self.world = self.make_world(refresh)

    def pick(self, number: int, fits: Fits) -> Merchant:
        fitting = [merchant for merchant in self.world.merchants.values() if fits(self.world, merchant)]
        return fitting[number % len(fitting)]

    def run_(self, number: int) -> Run:
        return self.world.runs[number % len(self.world.runs)]

    # merchants and Shopify

    @when(may_authorise)
    @rule(n=SHOPS, retires=st.booleans())
    def authorises(self, n: int, retires: bool) -> None:
        self.world.authorise(self.pick(n, may_authorise), retires_old=retires)

    @when(has_grant)
    @rule(n=SHOPS)
    def callback(self, n: int) -> None:
        self.world.callback(self.pick(n, has_grant))

    @when(may_authorise)
    @rule(n=SHOPS)
    def installs(self, n: int) -> None:
        merchant = self.pick(n, may_authorise)
        self.world.authorise(merchant, retires_old=True)
        self.world.callback(merchant)

    @when(is_installed)
    @rule(n=SHOPS, told=st.booleans())
    def uninstalls(self, n: int, told: bool) -> None:
        self.world.leave(self.pick(n, is_installed), told=told)

    @when(has_notice)
    @rule(n=SHOPS, again=st.booleans())
    def uninstall_webhook(self, n: int, again: bool) -> None:
        self.world.notice(self.pick(n, has_notice), 0, again=again)

    @rule(n=SHOPS, pages=st.integers(0, 2), ends=st.booleans(), mode=MODES)
    def syncs(self, n: int, pages: int, ends: bool, mode: Mode) -> None:
        """The long way to data at once: authorised, asked for, claimed, some pages, perhaps completed."""
        world, merchant = self.world, self.pick(n, anybody)
        if world.look(merchant).gone or world.look(merchant).token not in merchant.valid:
            world.authorise(merchant, retires_old=True)
            world.callback(merchant)
        if not world.look(merchant).known:
            return  # the process died in the callback
        world.ask(merchant, Trigger.MANUAL, mode)
        for run in world.claim("worker-1"):
            self.go_on(run, pages=pages, ends=ends)

    def go_on(self, run: Run, *, pages: int, ends: bool) -> None:
        for _ in range(pages):
            if run in self.world.runs and not run.leg.ended:
                self.world.page(run)
        if ends and run in self.world.runs and run.leg.ended:
            self.world.complete(run)

    # the app

    @when(is_nobody)
    @rule(n=SHOPS, status=STATES, days=st.sampled_from([0, 9]), gone=st.integers(0, 3))
    def app_inserts(self, n: int, status: Status, days: int, gone: int) -> None:
        merchant = self.pick(n, is_nobody)
        self.world.app_inserts(merchant, status, installed_ago=timedelta(days=days), gone=gone == 0)

    @when(may_be_written)
    @rule(n=SHOPS, what=st.sampled_from(["asks", "stores_token", "moves", "moves"]))
    def app_writes(self, n: int, what: str) -> None:
        merchant = self.pick(n, may_be_written)
        if what == "asks":
            self.world.app_asks(merchant)
        elif what == "stores_token":
            self.world.app_stores_token(merchant)
        elif not merchant.installed:
            self.world.app_reinstalls(merchant)
        else:
            self.world.leave(merchant, told=False)
            self.world.app_uninstalls(merchant)

    # requests

    @when(is_known)
    @rule(n=SHOPS, trigger=PEOPLE, mode=MODES)
    def person_asks(self, n: int, trigger: Trigger, mode: Mode) -> None:
        self.world.ask(self.pick(n, is_known), trigger, mode)

    @when(is_known)
    @rule(n=SHOPS, trigger=OTHERS)
    def other_asks(self, n: int, trigger: Trigger) -> None:
        self.world.ask(self.pick(n, is_known), trigger)

    @when(is_running)
    @rule(n=SHOPS, mode=MODES)
    def takes_over(self, n: int, mode: Mode) -> None:
        self.world.take_over(self.pick(n, is_running), mode)

    @when(may_be_stopped)
    @rule(n=SHOPS, sure=st.integers(0, 3))
    def stops(self, n: int, sure: int) -> None:
        merchant = self.pick(n, may_be_stopped)
        if sure == 0:
            self.world.stop(merchant)
        else:
            self.world.ask(merchant, Trigger.CLI)

    @rule()
    def tick(self) -> None:
        self.world.tick()

    # workers

    @rule(owner=st.sampled_from(["worker-1", "worker-2"]), limit=st.sampled_from([1, 100]))
    def claims(self, owner: str, limit: int) -> None:
        self.world.claim(owner, limit=limit)

    @precondition(lambda self: self.world.runs)
    @rule(n=ANY, overlap=st.booleans())
    def page(self, n: int, overlap: bool) -> None:
        run = self.run_(n)
        beside = "worker-3" if overlap and self.world.database.is_postgres else None
        if run.leg.ended:
            self.world.complete(run)
        else:
            self.world.page(run, meanwhile=beside)

    @precondition(lambda self: self.world.runs)
    @rule(n=ANY)
    def carries(self, n: int) -> None:
        run = self.run_(n)
        if run.live:
            self.world.carry(run)

    @precondition(lambda self: self.world.runs)
    @rule(n=ANY, stalled=st.booleans())
    def renews(self, n: int, stalled: bool) -> None:
        if stalled:
            self.world.stall(self.run_(n))
        else:
            self.world.renew(self.run_(n))

    @precondition(lambda self: self.world.runs)
    @rule(n=ANY, error=st.one_of(TRANSIENT, BLOCKED, st.just(NotFound("404"))))
    def fails(self, n: int, error: Exception) -> None:
        self.world.fail(self.run_(n), error)

    @precondition(lambda self: self.world.runs)
    @rule(n=ANY)
    def is_refused(self, n: int) -> None:
        run = self.run_(n)
        merchant = self.world.merchants[run.claim.shop_domain]
        if run.token == self.world.look(merchant).token:
            self.world.revoke(merchant)
        if run.token not in merchant.valid:
            self.world.refused(run)

    @precondition(lambda self: self.world.runs)
    @rule(n=ANY, lives_on=st.booleans())
    def releases(self, n: int, lives_on: bool) -> None:
        self.world.release(self.run_(n), lives_on=lives_on)

    @precondition(lambda self: self.world.runs)
    @rule(n=ANY)
    def crashes(self, n: int) -> None:
        self.world.crash(self.run_(n))

    @rule(statement=st.integers(0, 25))
    def next_process_dies(self, statement: int) -> None:
        self.world.dies_at = statement

    # time

    @rule()
    def time_jumps_to_what_is_due(self) -> None:
        self.world.jump(self.world.next_due())

    @rule(span=SPANS)
    def time_passes(self, span: timedelta) -> None:
        self.world.jump(self.world.now + span)

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            if not self.world.broken:
                self.world.settle()
        finally:
            self.world.close()
