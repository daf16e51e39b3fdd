"""The real lifecycle on a real database, one step at a time; after each step every promise is checked.

Verbs of the product are called as its processes call them. What they should have come to is judged
by `promises`, from the merchants' truth kept here and from what the database says before and after.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, event, insert, text, update
from sqlalchemy.orm import Session

from sync_core import credentials, install, lifecycle, store, sweep
from sync_core.app_models import AppBase, Shop
from sync_core.config import Settings
from sync_core.credentials import TokenPair
from sync_core.db import Database
from sync_core.errors import Held, StaleClaim, Stalled
from sync_core.lifecycle import Answer, Asked, Claim, Usage
from sync_core.models import Base
from sync_core.progress import cursor_of, finished_cursor, progress_of, resume
from sync_core.states import TRIGGERS_OF_PEOPLE, Hold, Mode, Status, Trigger
from sync_core.vault import open_vault
from tests.conftest import Clock
from tests.properties import promises
from tests.properties.ghosts import PAGES, Broken, Grant, Merchant, Run
from tests.properties.looks import NOBODY, Look, Reader
from tests.properties.promises import Step
from tests.properties.telling import told

TICK_STATEMENTS = 4_000
"""More statements than any tick over these few shops needs: a tick that never ends is stopped."""
PRODUCT = {"handle": "", "vendor": None, "productType": None}


class Died(Exception):
    """The process died at this statement; what it had not committed is lost."""


MS = timedelta(milliseconds=1)


@dataclass
class World:
    """Some shops, Shopify's truth about them, and the workers that run them."""

    database: Database
    settings: Settings
    clock: Clock
    merchants: dict[str, Merchant]
    runs: list[Run] = field(default_factory=list)
    looks: dict[str, Look] = field(default_factory=dict)
    dies_at: int | None = None
    """The next transaction dies at its n-th statement."""
    steps: int = 0
    broken: bool = False
    _numbers: int = 0
    _statements_left: int | None = None

    def __post_init__(self) -> None:
        self.vault = open_vault(self.settings)
        self.reader = Reader(self.vault)
        self.own: dict[str, Any] = {"settings": self.settings, "vault": self.vault}
        event.listen(self.database.engine, "before_cursor_execute", self._count)
        self._look()

    def close(self) -> None:
        """Forget everything: the next world starts on an empty database."""
        event.remove(self.database.engine, "before_cursor_execute", self._count)
        with self.database.write() as session:
            for metadata in (Base.metadata, AppBase.metadata):
                for table in reversed(metadata.sorted_tables):
                    session.execute(delete(table))

    @property
    def now(self) -> datetime:
        return self.clock()

    def look(self, merchant: Merchant) -> Look:
        return self.looks.get(merchant.domain, NOBODY)

    # The merchant and Shopify

    def authorise(self, merchant: Merchant, *, retires_old: bool) -> None:
        self.steps += 1
        merchant.installed = True
        if retires_old:
            merchant.valid.clear()
        merchant.grant = Grant(self._token(merchant), self.now)
        self.clock.advance(milliseconds=1)

    def callback(self, merchant: Merchant) -> None:
        """The OAuth callback stores what it exchanged."""
        grant = merchant.grant
        assert grant is not None
        gone, authorised = merchant.after_adoption(self.look(merchant), self.now + MS)
        with self._step("callback", merchant, tags="oauth adopts") as step:
            pair = TokenPair(grant.token, scopes="read_products")
            asked: dict[str, Any] = {"authorised_at": grant.asked_at, "now": self.now}
            with self._write(step) as session:
                install.register(session, domain=merchant.domain, pair=pair, **asked, **self.own)
            step.gone, step.authorised, step.stored = gone, authorised, grant
            merchant.grant, merchant.authorised = None, grant.asked_at

    def leave(self, merchant: Merchant, *, told: bool) -> None:
        """The merchant uninstalls the app; `told`: Shopify's webhook is on its way."""
        self.steps += 1
        self.clock.advance(milliseconds=1)
        merchant.installed = False
        merchant.valid.clear()
        if told:
            merchant.notices.append(self.now)
        self.clock.advance(milliseconds=1)

    def notice(self, merchant: Merchant, number: int, *, again: bool) -> None:
        """An uninstall webhook is handled; `again`: it will come once more."""
        triggered_at = merchant.notices[number]
        gone, authorised = merchant.after_adoption(self.look(merchant), self.now + MS)
        with self._step("uninstall webhook", merchant, tags="adopts uninstalls") as step:
            with self._write(step) as session:
                own = {"triggered_at": triggered_at, "now": self.now, **self.own}
                install.uninstall(session, domain=merchant.domain, **own)
            step.gone, step.authorised, step.triggered_at = gone, authorised, triggered_at
            merchant.authorised = authorised
            if not again:
                del merchant.notices[number]

    def revoke(self, merchant: Merchant) -> None:
        self.steps += 1
        merchant.valid.discard(self.look(merchant).token or "")

    # The app writes its own row

    def app_inserts(self, merchant: Merchant, status: Status, *, installed_ago: timedelta, gone: bool) -> None:
        merchant.installed = not gone
        merchant.app_token = self._token(merchant)
        merchant.authorised = self.now - installed_ago
        merchant.finished_by_app = 1 if status is Status.COMPLETED else None
        if gone:
            merchant.valid.clear()
        values: dict[str, Any] = {"sync_status": status.value, "access_token": merchant.app_token, "scopes": ""}
        values |= {"installed_at": merchant.authorised, "uninstalled_at": self.now if gone else None}
        with self._step("the app inserts its row", merchant), self.database.write() as session:
            session.execute(insert(Shop).values(id=f"app-{merchant.domain}", shop_domain=merchant.domain, **values))

    def app_asks(self, merchant: Merchant) -> None:
        self._app_writes(merchant, "the app writes PENDING", sync_status="PENDING")

    def app_stores_token(self, merchant: Merchant) -> None:
        """Also how the app re-installs when it keeps installedAt."""
        merchant.installed = True
        merchant.app_token = self._token(merchant)
        words = {"access_token": merchant.app_token, "uninstalled_at": None}
        self._app_writes(merchant, "the app writes a token", **words)

    def app_reinstalls(self, merchant: Merchant) -> None:
        merchant.installed = True
        merchant.app_token = self._token(merchant)
        words = {"access_token": merchant.app_token, "uninstalled_at": None, "installed_at": self.now}
        self._app_writes(merchant, "the app writes a later install", **words)

    def app_uninstalls(self, merchant: Merchant) -> None:
        self._app_writes(merchant, "the app writes uninstalledAt", uninstalled_at=self.now)

    # Requests

    def ask(self, merchant: Merchant, trigger: Trigger, mode: Mode = Mode.CHANGES) -> Asked | None:
        tags = "staff" if trigger in TRIGGERS_OF_PEOPLE else "others"
        with self._step(f"{trigger} asks for {mode}", merchant, tags=tags) as step:
            with self._write(step) as session:
                asked = lifecycle.request(
                    session, self._id(merchant), trigger=trigger, now=self.now, mode=mode, actor=f"by {trigger}"
                )
            step.answer = asked.answer
            if asked.answer in (Answer.OPENED, Answer.JOINED):
                self._promise(merchant, trigger, mode)
            return asked
        return None

    def take_over(self, merchant: Merchant, mode: Mode = Mode.CHANGES) -> None:
        with self._step("staff takes over", merchant, tags="staff") as step:
            with self._write(step) as session:
                words: dict[str, Any] = {"actor": "Ada", "reason": "no progress", "mode": mode, "now": self.now}
                asked = lifecycle.take_over(session, self._id(merchant), **words)
            if asked.answer in (Answer.OPENED, Answer.JOINED):
                self._end_runs(merchant)
                self._promise(merchant, Trigger.MANUAL, mode)
            step.answer = asked.answer

    def stop(self, merchant: Merchant) -> None:
        with self._step("staff stops syncing", merchant, tags="staff") as step:
            with self._write(step) as session:
                lifecycle.stop(session, self._id(merchant), actor="Ada", reason="asked", now=self.now)
            self._end_runs(merchant)
            merchant.forget_promises()

    def tick(self) -> None:
        """One sweep; on all shops."""
        before = self.looks
        changed = [m for m in self.merchants.values() if m.app_changes(self.look(m))]
        authorised = {m.domain: m.after_adoption(self.look(m), self.now + MS)[1] for m in changed}
        with self._step("sweep", *self.merchants.values(), tags="sweeps adopts") as step:
            self._statements_left = step.dies_at or TICK_STATEMENTS
            try:
                step.report = sweep.tick(self.database, by="test", settings=self.settings, vault=self.vault)
            except Died:
                if step.dies_at is None:
                    raise Broken("SPIN: the tick never ends") from None
                raise
        for merchant in changed:
            if _moved(before[merchant.domain], self.look(merchant)):
                merchant.authorised = authorised[merchant.domain]

    # Workers

    def claim(self, owner: str, *, limit: int = 100, oldest: int = 0) -> list[Run]:
        with self._step("claim", *self.merchants.values(), tags="claims") as step:
            with self._write(step) as session:
                own: dict[str, Any] = {"owner": owner, "now": self.now, "settings": self.settings}
                step.claims = lifecycle.claim(session, limit=limit, oldest=oldest, **own)
            step.all_claimed = limit >= len(self.merchants)
            return [self._started(claim) for claim in step.claims]
        return []

    def page(self, run: Run, *, meanwhile: str | None = None) -> None:
        """A page is stored. `meanwhile`: this worker tries to claim before the page is committed."""
        leg = replace(run.leg)
        number = PAGES[0] if leg.after is None else PAGES[1]
        ended = leg.kind == "changes" or number == PAGES[1]
        leg.advance(roots=1, after=None if ended else number, ended=ended)
        booked: dict[str, Any] = {"progress": progress_of({"products": leg}), "usage": Usage(1), **self._timed}
        with self._run_step("page", run) as step:
            booked["now"] = self.now
            with self._write(step) as session:
                lifecycle.checkpoint(session, run.claim, cursor=cursor_of({"products": leg}), **booked)
                if meanwhile:
                    self._nobody_claims(run.claim, meanwhile)
                self._store(session, run.claim, number)
            run.leg = leg
            self._prolonged(run)

    def renew(self, run: Run) -> None:
        with self._run_step("renewal", run) as step:
            with self._write(step) as session:
                lifecycle.renew(session, run.claim, progressed_at=self.now, now=self.now, settings=self.settings)
            self._prolonged(run)

    def stall(self, run: Run) -> None:
        """The keeper of the lease finds no progress: the worker ends the attempt."""
        late = self.now - timedelta(seconds=self.settings.stall_seconds + 1)
        stalled = Stalled("no progress")
        with self._run_step("renewal of a stalled run", run) as step:
            try:
                with self._write(step) as session:
                    lifecycle.renew(session, run.claim, progressed_at=late, now=self.now, settings=self.settings)
            except Stalled as error:
                stalled = error
            else:
                raise Broken("STALL: a run without progress kept its lease")
        if run in self.runs:
            self.fail(run, stalled)

    def complete(self, run: Run) -> None:
        legs = {"products": run.leg}
        merchant = self._merchant(run)
        booked: dict[str, Any] = {"progress": progress_of(legs), "usage": Usage(1), "held": {}, **self._timed}
        with self._run_step("completion", run, tags="completes") as step:
            booked["now"] = self.now
            with self._write(step) as session:
                lifecycle.complete(session, run.claim, cursor=finished_cursor(legs), **booked)
            self.runs.remove(run)
            promised, merchant.everything = merchant.everything, None
            run.live = False
            self._everything_was_read(merchant, promised)

    def fail(self, run: Run, error: Exception) -> None:
        claim = replace(run.claim, token_version=run.token_version)
        with self._run_step("failure", run, tags="fails") as step:
            with self._write(step) as session:
                step.failed = lifecycle.fail(session, claim, error=error, now=self.now, settings=self.settings)
            step.error, step.token_version = error, run.token_version
            self.runs.remove(run)
            run.live = False

    def refused(self, run: Run) -> None:
        """Shopify answers 401 and the token cannot be refreshed."""
        self.fail(run, Held(Hold.REAUTHORISE, "refused", status=401))

    def release(self, run: Run, *, lives_on: bool) -> None:
        """SIGTERM; `lives_on`: a thread of the process does not notice."""
        with self._run_step("release", run, tags="releases") as step:
            with self._write(step) as session:
                lifecycle.release(session, run.claim, now=self.now)
            run.live = False
            if not lives_on:
                self.runs.remove(run)

    def crash(self, run: Run) -> None:
        self.steps += 1
        self.runs.remove(run)

    # Time

    def next_slot(self) -> datetime:
        """When the sweep's next slot begins."""
        period = self.settings.sweep_period_seconds
        return datetime.fromtimestamp((sweep.slot_of(self.now, period) + 1) * period, tz=self.now.tzinfo)

    def next_due(self) -> datetime:
        """When a shop is due or awake by itself; the next slot when none is."""
        moments = [moment for look in self.looks.values() for moment in (look.due_at, look.wake_at) if moment]
        return min([moment for moment in moments if moment > self.now] or [self.next_slot()])

    def jump(self, moment: datetime) -> None:
        self.steps += 1
        whole = moment.replace(microsecond=moment.microsecond // 1000 * 1000)  # as stored
        self.clock.moment = max(self.now, whole)

    # Liveness

    def settle(self, rounds: int = 14) -> None:
        """No fault any more: workers, sweep and time alone bring every shop home."""
        self.dies_at = None
        self.runs.clear()
        for _ in range(rounds):
            self.work()
            if not self._astray():
                return
            self.jump(self.next_due())
        raise Broken(f"LOST: {self._astray()}")

    def work(self) -> None:
        """One fair round: a tick, then every awake shop is carried to its end."""
        self.tick()
        for run in self.claim("worker-fair"):
            self.carry(run)

    def carry(self, run: Run) -> None:
        if run.token not in self._merchant(run).valid:
            self.refused(run)
            return
        while run in self.runs and not run.leg.ended:
            self.page(run)
        if run in self.runs:
            self.complete(run)

    def _astray(self) -> list[str]:
        return [why for m in self.merchants.values() if (why := promises.astray(m, self.look(m), self.now))]

    # How a step is made

    @property
    def _timed(self) -> dict[str, Any]:
        return {"now": self.now, "settings": self.settings}

    @contextmanager
    def _step(self, name: str, *concerned: Merchant, tags: str = "") -> Iterator[Step]:
        self.clock.advance(milliseconds=1)
        self.steps += 1
        step = Step(name, frozenset(m.domain for m in concerned), frozenset(tags.split()), self.now)
        step.dies_at, self.dies_at = self.dies_at, None
        try:
            yield step
        except Died:
            step.died = True
        except Exception:
            self.broken = True
            raise
        finally:
            self._statements_left = None
        self._observe(step)

    @contextmanager
    def _run_step(self, name: str, run: Run, tags: str = "") -> Iterator[Step]:
        """A write of a run: one whose claim is over must be refused, a live one must not."""
        merchant, counts = self._merchant(run), run.live
        with self._step(name, merchant, tags=tags) as step:
            try:
                yield step
            except StaleClaim:
                step.stale = True
                self.runs.remove(run)
                if counts:
                    raise Broken(f"REFUSED: the {name} of a claim that counts") from None
            except Died:
                self.runs.remove(run)
                raise
            else:
                if not counts:
                    kind = promises.kind_of_staleness(run, self.look(merchant))
                    raise Broken(f"{kind}: a {name} of a claim that is over")

    def _observe(self, step: Step) -> None:
        before = self.looks
        self._look(step)
        try:
            for merchant in self.merchants.values():
                promises.check(step, merchant, before.get(merchant.domain, NOBODY), self.look(merchant), self.settings)
                told(self.database, self.settings, self.look(merchant), self.now)
        except Broken:
            self.broken = True
            raise

    def _look(self, step: Step | None = None) -> None:
        with self.database.read() as session:
            self.looks = self.reader.looks(session)
            if step is not None:
                step.moves = self.reader.moves(session, step.now)
        for merchant in self.merchants.values():
            self._follow(merchant, self.look(merchant))

    def _follow(self, merchant: Merchant, look: Look) -> None:
        """What only the database decides: whether the app's token is taken over, whether runs are over."""
        if merchant.app_token in (look.token, None) or merchant.app_token != look.app_token:
            merchant.app_token = None
        over = [run for run in self.runs if run.claim.shop_domain == merchant.domain]
        if look.gone or any(run.claim.generation != look.generation for run in over):
            for run in over:
                run.live = run.live and run.claim.generation == look.generation and not look.gone
        if look.gone or look.generation != merchant.generation:
            merchant.forget_promises()
        merchant.generation = look.generation

    def _count(self, *_: object) -> None:
        if self._statements_left is None:
            return
        self._statements_left -= 1
        if self._statements_left < 0:
            self._statements_left = None
            raise Died

    @contextmanager
    def _write(self, step: Step) -> Iterator[Session]:
        """A transaction of the product, which may die half-way."""
        with self.database.write() as session:
            self._statements_left = step.dies_at
            yield session
            self._statements_left = None

    # Details

    def _started(self, claim: Claim) -> Run:
        merchant = self.merchants[claim.shop_domain]
        self._end_runs(merchant)
        with self.database.read() as session:
            stored = credentials.load(session, claim.shop_id, self.vault)
        leg = resume(claim.cursor, "products", mode=claim.mode, now=self.now)
        run = Run(claim, leg, stored.pair.access_token if stored else None, stored.version if stored else 0)
        self.runs.append(run)
        merchant.staff = False
        self._prolonged(run)
        return run

    def _nobody_claims(self, claim: Claim, owner: str) -> None:
        """On PostgreSQL another transaction runs beside this one: it must pass over the locked shop."""
        later = self.now + timedelta(seconds=self.settings.lease_seconds + 1)
        with self.database.write() as session:
            session.execute(text("SET LOCAL lock_timeout = '500ms'"))
            own: dict[str, Any] = {"owner": owner, "now": later, "settings": self.settings}
            taken = lifecycle.claim_shop(session, claim.shop_id, **own)
            session.rollback()
        if taken is not None:
            raise Broken("STALE: a claim was given away while its holder stored a page")

    def _store(self, session: Session, claim: Claim, page: str) -> None:
        title = f"{claim.generation}/{self.steps}"
        row = {"shopifyId": f"{claim.shop_id}/{page}", "title": title, "createdAt": self.now, "updatedAt": self.now}
        store.store(session, claim.shop_id, store.Batch(store.PRODUCTS, [{**PRODUCT, **row}]))

    def _everything_was_read(self, merchant: Merchant, promised: int | None) -> None:
        rows = [row.step for _, row in self.look(merchant).rows]
        if promised is not None and (len(rows) < len(PAGES) or min(rows) < promised):
            raise Broken("MODE: 'everything' was accepted, only changes were read")

    def _promise(self, merchant: Merchant, trigger: Trigger, mode: Mode) -> None:
        merchant.staff = merchant.staff or trigger in TRIGGERS_OF_PEOPLE
        if mode is Mode.EVERYTHING:
            merchant.everything = self.steps

    def _prolonged(self, run: Run) -> None:
        self._merchant(run).lease_until = self.now + timedelta(seconds=self.settings.lease_seconds)

    def _end_runs(self, merchant: Merchant) -> None:
        for run in self.runs:
            if run.claim.shop_domain == merchant.domain:
                run.live = False

    def _app_writes(self, merchant: Merchant, what: str, **values: object) -> None:
        with self._step(what, merchant, tags="app"), self.database.write() as session:
            session.execute(update(Shop).where(Shop.shop_domain == merchant.domain).values(**values))

    def _merchant(self, run: Run) -> Merchant:
        return self.merchants[run.claim.shop_domain]

    def _id(self, merchant: Merchant) -> str:
        shop_id = self.look(merchant).id
        assert shop_id is not None
        return shop_id

    def _token(self, merchant: Merchant) -> str:
        self._numbers += 1
        token = f"shpat_planted_{self._numbers}"
        merchant.valid.add(token)
        return token


def _moved(before: Look, after: Look) -> bool:
    """Whether a tick took the app's row over (it may have died before)."""
    seen = [(look.known, look.generation, look.token_version, look.gone) for look in (before, after)]
    return seen[0] != seen[1]
