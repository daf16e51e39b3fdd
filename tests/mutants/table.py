"""One small mutation of the real code for each rule of the lifecycle's page: the rule is gone.

`tests.mutants.run` applies them one at a time to a copy of the tree; some test must fail. A guard
test keeps every old text findable, exactly once, in the present code.
"""

from __future__ import annotations

from dataclasses import dataclass

CLAIMS, RUNS = "sync_core/lifecycle/claims.py", "sync_core/lifecycle/runs.py"
ROWS = "sync_core/lifecycle/rows.py"
REQUESTS, EPISODES = "sync_core/lifecycle/requests.py", "sync_core/lifecycle/episodes.py"
MOMENTS, INSTALL, SWEEP = "sync_core/lifecycle/moments.py", "sync_core/install.py", "sync_core/sweep.py"
RUNNER, ACCESS, CALLBACK = "sync_core/runner.py", "sync_core/access.py", "dashboard/api/auth.py"
TABLES = "sync_core/migrations/versions/m0002_own_tables.py"

Edit = tuple[str, str, str]
"""(file, old text, new text)"""


@dataclass(frozen=True)
class Mutant:
    """A rule, its removal in words, and the edits that remove it."""

    rule: str
    law: str
    removal: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...] = ()
    """Where else it is looked for, when not in the lifecycle's own tests."""
    engine: str = "sqlite"


def mutant(
    rule: str, law: str, removal: str, *edits: Edit, tests: tuple[str, ...] = (), engine: str = "sqlite"
) -> Mutant:
    return Mutant(rule, law, removal, edits, tests, engine)


RULES = [
    mutant(
        "claim_atomic",
        "claim is one conditional UPDATE",
        "rows are read without a lock before they are written",
        (CLAIMS, "    return Prepared(query.with_for_update(skip_locked=True))", "    return Prepared(query)"),
        engine="postgresql",
    ),
    mutant(
        "claim_fence",
        "claim: fence+1",
        "a claim keeps the fence",
        (CLAIMS, 'Event("claimed", now, owner), bump=True, **values', 'Event("claimed", now, owner), **values'),
        (CLAIMS, "        fence=shop.fence + 1,", "        fence=shop.fence,"),
    ),
    mutant(
        "guard_fence",
        "guard: fence = mine",
        "the guard looks at the status only",
        (
            ROWS,
            '(table.c.shop_id == bindparam("its_id")) & (table.c.fence == bindparam("its_fence"))',
            'table.c.shop_id == bindparam("its_id")',
        ),
    ),
    mutant(
        "guard_status",
        "guard: status = IN_PROGRESS",
        "the guard looks at the fence only",
        (ROWS, 'where(stands, table.c.status == bindparam("its_status"))', "where(stands)"),
    ),
    mutant(
        "guard_locks",
        "guard comes first and locks the row",
        "the guard only reads; it writes when the transaction commits",
        (
            RUNS,
            "    write(session, [mine(claim)], **values)\n",
            "    from sqlalchemy import event, select\n\n"
            "    from sync_core.errors import StaleClaim\n\n"
            "    def late(s):  # type: ignore[no-untyped-def]\n"
            "        try:\n            write(s, [mine(claim)], **values)\n"
            "        except StaleClaim:\n            pass\n\n"
            '    event.listen(session, "before_commit", late, once=True)\n'
            "    its = (ShopSync.shop_id == claim.shop_id) & (ShopSync.fence == claim.fence)\n"
            '    found = session.execute(select(ShopSync.fence).where(its, ShopSync.status == "IN_PROGRESS"))\n'
            "    if found.scalar_one_or_none() is None:\n"
            '        raise StaleClaim("over")\n',
        ),
        engine="postgresql",
    ),
    mutant(
        "one_open",
        "one open attempt per shop",
        "a second request opens a second attempt; the index is not unique",
        (
            REQUESTS,
            "        return _join(session, shop, attempt, ask, now)",
            "        return _open(session, shop, ask, now)",
        ),
        (TABLES, '["shop_id"], unique=True, where="ended_at IS NULL"', '["shop_id"], where="ended_at IS NULL"'),
    ),
    mutant(
        "due_wake_pair",
        "a write of due_at writes wake_at (renewal)",
        "a renewal writes due_at only",
        (RUNS, "progress_at=progressed_at, **due)", 'progress_at=progressed_at, due_at=due["due_at"])'),
    ),
    mutant(
        "live_untouched",
        "a request on a live lease changes nothing",
        "it wakes the shop",
        (REQUESTS, "    if shop.due_at is not None and shop.due_at <= now:", "    if shop.due_at is not None:"),
    ),
    mutant(
        "expired_wakes",
        "a request on an expired lease sets wake_at",
        "it changes nothing",
        (REQUESTS, '        change(session, [standing(shop)], Event("awake", now), wake_at=now)', "        pass"),
    ),
    mutant(
        "lease_due",
        "IN_PROGRESS: due_at = lease's end",
        "a claim has no lease",
        (CLAIMS, "moments.paired(moments.lease_end(now, settings), settings)", "moments.never()"),
    ),
    mutant(
        "retry_due",
        "FAILED: due_at = next retry",
        "a failure books no retry",
        (RUNS, "    return Failed(cause, hold, next_at)", "    return Failed(cause, hold, None)"),
    ),
    mutant(
        "probe_due",
        "hold with probe: due_at = next probe",
        "a hold books no probe",
        (MOMENTS, "    return now + wait if wait else None", "    return None"),
    ),
    mutant(
        "install_due",
        "install: due_at (and wake_at)",
        "an install is never due",
        (MOMENTS, "    return Due(due_at=due, wake_at=wake)", "    return never()"),
    ),
    mutant(
        "sweep_opens",
        "the sweep opens requests",
        "it only looks",
        (SWEEP, "                _open_request(session, shop_id, report, now)", "                del shop_id, now"),
    ),
    mutant(
        "orphan_inherits",
        "the successor of an orphan inherits",
        "it runs under a trigger of its own",
        (CLAIMS, "Trigger(attempt.trigger) if attempt is not None else", "Trigger(attempt.trigger) if requested else"),
    ),
    mutant(
        "probe_keeps",
        "a probe clears the hold only by success",
        "a claim clears it",
        (CLAIMS, 'values = {"status": Status.IN_PROGRESS, ', 'values = {"status": Status.IN_PROGRESS, "hold": None, '),
    ),
    mutant(
        "request_clears",
        "a person's request clears the hold",
        "the hold stays",
        (
            REQUESTS,
            '{} if probing else {"status": Status.PENDING, "hold": None}',
            '{} if probing else {"status": Status.PENDING}',
        ),
    ),
    mutant(
        "data_first",
        "COMPLETED only after all is stored",
        "a run completes before it reads",
        (
            RUNNER,
            "        for resource in self.resources:\n            if not self.legs",
            "        for resource in self.resources[:0]:\n            if not self.legs",
        ),
        tests=("tests/runs/test_runner.py",),
    ),
    mutant(
        "refresh_keeps",
        "a refresh leaves first_synced_at",
        "a request clears it",
        (
            REQUESTS,
            '{} if probing else {"status": Status.PENDING, "hold": None}',
            '{} if probing else {"status": Status.PENDING, "hold": None, "first_synced_at": None}',
        ),
    ),
    mutant(
        "release_fence",
        "release: fence+1",
        "the fence stays",
        (RUNS, "bump=True, status=status, **moments.both(now)", "status=status, **moments.both(now)"),
    ),
    mutant(
        "release_now",
        "release: due and awake now",
        "neither",
        (RUNS, "status=status, **moments.both(now)", "status=status, **moments.never()"),
    ),
    mutant(
        "steal_fence",
        "take-over: fence+1",
        "the fence stays",
        (
            REQUESTS,
            "event, bump=True, **values, **moments.both(now), **_restart(mode)",
            "event, **values, **moments.both(now), **_restart(mode)",
        ),
    ),
    mutant(
        "steal_ends",
        "take-over ends the attempt",
        "it stays open",
        (
            REQUESTS,
            "    stolen = end_open_attempt(session, shop_id, Outcome.STOLEN, now=now)",
            "    stolen = open_attempt(session, shop_id)",
        ),
    ),
    mutant(
        "un_fence",
        "uninstall: fence+1",
        "the fence stays",
        (EPISODES, "hold=Hold.UNINSTALLED, bump=True, **", "hold=Hold.UNINSTALLED, **"),
    ),
    mutant(
        "un_cancels",
        "uninstall cancels the open attempt",
        "it stays open",
        (
            EPISODES,
            "    end_open_attempt(session, shop_id, Outcome.CANCELLED, now=event.now)\n    status =",
            "    status =",
        ),
    ),
    mutant(
        "un_nulls",
        "uninstall: due_at, wake_at null",
        "they stay",
        (EPISODES, "bump=True, **moments.never())", "bump=True)"),
    ),
    mutant(
        "un_late",
        "uninstall only if triggered after authorised_at",
        "always",
        (INSTALL, " or triggered_at <= shop.authorised_at:", ":"),
    ),
    mutant(
        "re_fence",
        "re-install: fence+1",
        "the fence stays",
        (EPISODES, "event, bump=True, **values, **unfailed()", "event, **values, **unfailed()"),
    ),
    mutant(
        "re_cancels",
        "re-install cancels the open attempt",
        "it stays open",
        (
            EPISODES,
            "    end_open_attempt(session, shop_id, Outcome.CANCELLED, now=event.now)\n    _withdraw",
            "    _withdraw",
        ),
    ),
    mutant(
        "re_pending",
        "re-install: PENDING",
        "the status stays",
        (
            EPISODES,
            '{"status": Status.PENDING, "hold": None, "priority": Priority.FIRST, "cursor": {}}',
            '{"status": shop.status, "hold": None, "priority": Priority.FIRST, "cursor": {}}',
        ),
    ),
    mutant(
        "re_cursor",
        "re-install clears the cursor",
        "it stays",
        (EPISODES, '"priority": Priority.FIRST, "cursor": {}}', '"priority": Priority.FIRST}'),
    ),
    mutant(
        "re_hold",
        "re-install clears the hold",
        "it stays",
        (
            EPISODES,
            '{"status": Status.PENDING, "hold": None, "priority": Priority.FIRST, "cursor": {}}',
            '{"status": Status.PENDING, "priority": Priority.FIRST, "cursor": {}}',
        ),
    ),
    mutant(
        "oauth_tx",
        "OAuth callback is one transaction",
        "it commits once half-way",
        (
            INSTALL,
            "    shop_id, fresh = _find_or_insert(session, domain, now)\n",
            "    shop_id, fresh = _find_or_insert(session, domain, now)\n"
            "    session.connection().connection.commit()\n",
        ),
    ),
    mutant(
        "again_clears",
        "OAuth again clears reauthorise, scope, gone",
        "it clears none",
        (EPISODES, "    if shop.hold in CLEARED_BY_AUTHORISING:", "    if shop.hold in ():"),
    ),
    mutant(
        "adopt",
        "the sweep adopts a row that the app wrote",
        "it does not look",
        (SWEEP, "        ids = install.to_adopt(session)", "        ids: list[str] = []"),
    ),
    mutant(
        "adopt_lease",
        "adopted IN_PROGRESS: due in 15 min",
        "never due",
        (EPISODES, "        return now + moments.ADOPTED_LEASE", "        return None"),
    ),
    mutant(
        "app_reinstall",
        "app's row, later installedAt: as re-install",
        "a later installedAt is not looked at",
        (INSTALL, "    if row.installed_at > sync.installed_at or (gone and new_token):", "    if gone and new_token:"),
    ),
    mutant(
        "app_un",
        "app's row, uninstalledAt set: as uninstall",
        "uninstalledAt is not looked at",
        (INSTALL, "    elif row.uninstalled_at is not None and not gone:", "    elif gone and not gone:"),
    ),
    mutant(
        "app_token",
        "app's row, new accessToken: as OAuth again",
        "accessToken is not looked at",
        (INSTALL, '    new_token = row.access_token != "" and ', '    new_token = row.access_token == "never" and '),
    ),
    mutant(
        "refuse_un",
        "no request for an uninstalled shop",
        "it is like any other",
        (
            REQUESTS,
            "    if shop.hold is None:\n        return None",
            "    if shop.hold in (None, Hold.UNINSTALLED):\n        return None",
        ),
    ),
    mutant(
        "refuse_held",
        "webhooks and the browser leave a held shop alone",
        "they clear its hold",
        (REQUESTS, "    if trigger in (Trigger.WEBHOOK, Trigger.ONBOARDING):", "    if trigger in ():"),
    ),
    mutant(
        "sweep_probe",
        "the sweep's request for a held shop is a probe",
        "it is a request like any other",
        (REQUESTS, "    probing = ask.trigger is Trigger.SWEEP and shop.hold is not None", "    probing = False"),
    ),
    mutant(
        "sweep_once",
        "the sweep takes each shop once a tick",
        "it begins again after each batch",
        (SWEEP, "        last = batch[-1]", "        last = None"),
    ),
    mutant(
        "join_raises",
        "a join raises mode and priority",
        "mode and cursor stay",
        (
            REQUESTS,
            "    if ask.mode is Mode.EVERYTHING:\n        session.execute(",
            "    if ask.mode is None:\n        session.execute(",
        ),
        (
            REQUESTS,
            'Event("requested", now, ask.actor, ask.reason), **values, **_restart(ask.mode))',
            'Event("requested", now, ask.actor, ask.reason), **values)',
        ),
    ),
    mutant(
        "join_raises (priority)",
        "a join raises mode and priority",
        "the priority stays",
        (REQUESTS, '{"priority": Priority.FIRST} if ask.by_person else {}', "{}"),
    ),
    mutant(
        "join_keeps_due",
        "the sweep's join leaves due_at",
        "it writes both moments",
        (
            REQUESTS,
            'change(session, [standing(shop)], Event("joined", now), wake_at=now)',
            'change(session, [standing(shop)], Event("joined", now), **moments.both(now))',
        ),
    ),
    mutant(
        "release_opens",
        "release inserts the successor as a request",
        "nobody asks again",
        (
            RUNS,
            "    insert_request(session, shop, Ask(claim.trigger, claim.mode, attempt.actor, attempt.reason), now)",
            "    del attempt",
        ),
    ),
    mutant(
        "release_held",
        "a released probe is FAILED again, its hold kept",
        "it is PENDING",
        (RUNS, "    status = Status.FAILED if shop.hold else Status.PENDING", "    status = Status.PENDING"),
    ),
    mutant(
        "hold_version",
        "a run sets a hold only for the token it used",
        "for any token",
        (RUNS, "    fresh = shop.token_version == claim.token_version", "    fresh = True"),
    ),
    mutant(
        "again_idle",
        "OAuth again: due now only if FAILED, an open request stays awake",
        "a running probe is due now too",
        (
            EPISODES,
            "    if shop.status != Status.FAILED:\n        return {}",
            "    if shop.status != Status.FAILED:\n        return {**moments.paired(now, settings)}",
        ),
    ),
    mutant(
        "again_idle (request)",
        "OAuth again: due now only if FAILED, an open request stays awake",
        "an open request of a freed shop is left as it is",
        (
            EPISODES,
            '    if attempt is None:\n        return {"priority"',
            '    if attempt is None or shop.hold:\n        return {"priority"',
        ),
    ),
    mutant(
        "auth_exchange",
        "authorised_at is taken before the exchange",
        "when the callback is stored",
        (CALLBACK, "            authorised_at=asked_at,", "            authorised_at=now,"),
        tests=("tests/api/test_auth.py",),
    ),
    mutant(
        "adopt_auth",
        "adoption: authorised_at = installedAt",
        "the moment of the adoption",
        (
            EPISODES,
            'values |= {"installed_at": installed_at, "authorised_at": installed_at}',
            'values |= {"installed_at": installed_at, "authorised_at": event.now}',
        ),
    ),
    mutant(
        "adopt_first",
        "uninstall and OAuth look at the app's row first",
        "the uninstall webhook does not",
        (
            INSTALL,
            "    adopt_shop(session, shop_id, now=now, settings=settings, vault=vault)\n    shop = lifecycle",
            "    shop = lifecycle",
        ),
    ),
    mutant(
        "adopt_first (OAuth)",
        "uninstall and OAuth look at the app's row first",
        "the callback does not",
        (
            INSTALL,
            "        adopt_shop(session, shop_id, now=now, settings=settings, vault=vault)\n        kind",
            "        kind",
        ),
    ),
    mutant(
        "app_pending_un",
        "the app's PENDING counts only with uninstalledAt null",
        "always",
        (
            INSTALL,
            "row.sync_status == Status.PENDING and ended and row.uninstalled_at is None",
            "row.sync_status == Status.PENDING and ended",
        ),
        (INSTALL, "\n        & Shop.uninstalled_at.is_(None),", ","),
    ),
    mutant(
        "stop_fence",
        "stop syncing ends the attempt, fence+1",
        "neither",
        (REQUESTS, "    end_open_attempt(session, shop_id, Outcome.CANCELLED, now=now)\n    status", "    status"),
        (REQUESTS, "hold=Hold.STOPPED, bump=True, **", "hold=Hold.STOPPED, **"),
    ),
]
"""The 54 rules that the exhaustive model removes; two of them in two parts each, one in both callers."""

BARE = "session.execute(update(ShopSync).where(ShopSync.shop_id == claim.shop_id).values("
WRITES = [
    mutant(
        "checkpoint without guard",
        "every write of a run begins with the guard",
        "a page writes cursor and lease unconditionally",
        (
            RUNS,
            "    guard(session, claim, cursor=cursor, progress_at=now, **due)",
            f"    {BARE}cursor=cursor, progress_at=now, **due))",
        ),
    ),
    mutant(
        "renew without guard",
        "every write of a run begins with the guard",
        "a renewal prolongs unconditionally",
        (
            RUNS,
            "    guard(session, claim, progress_at=progressed_at, **due)",
            f"    {BARE}progress_at=progressed_at, **due))",
        ),
    ),
    mutant(
        "complete without guard",
        "every write of a run begins with the guard",
        "a completion is booked unconditionally",
        (
            RUNS,
            'change(session, [_stands(session, claim)], Event("completed"',
            'change(session, [standing(locked(session, claim.shop_id))], Event("completed"',
        ),
    ),
    mutant(
        "fail without guard",
        "every write of a run begins with the guard",
        "a failure is booked unconditionally",
        (
            RUNS,
            "    guard(session, claim)\n    shop = locked(session, claim.shop_id)\n    cause",
            "    shop = locked(session, claim.shop_id)\n    cause",
        ),
    ),
    mutant(
        "release without guard",
        "every write of a run begins with the guard",
        "a release is booked unconditionally",
        (
            RUNS,
            "    guard(session, claim)\n    shop = locked(session, claim.shop_id)\n    end_attempt",
            "    shop = locked(session, claim.shop_id)\n    end_attempt",
        ),
    ),
    mutant(
        "token storing without guard",
        "every write of a run begins with the guard",
        "a refreshed token is stored unconditionally",
        (ACCESS, "        lifecycle.guard(session, self._claim)\n", "        pass\n"),
    ),
    mutant(
        "page without checkpoint",
        "every write of a run begins with the guard",
        "the runner stores a page's rows without it",
        (
            RUNNER,
            "            lifecycle.checkpoint(session, self.claim, cursor=cursor, plan",
            "            dict(cursor=cursor, plan",
        ),
        tests=("tests/runs/test_runner.py",),
    ),
    mutant(
        "claim without lease",
        "a claim holds for LEASE_SECONDS",
        "the lease ends when it begins",
        (MOMENTS, "    return now + timedelta(seconds=settings.lease_seconds)", "    return now"),
    ),
    mutant(
        "rescues first",
        "a shop whose lease ended goes before those that wait",
        "it waits for its turn",
        (CLAIMS, "    shops = _orphaned(session, rescues, now) if rescues else []", "    shops: list[Awake] = []"),
    ),
]
"""Named by hand: the guard off each write, and the lease off the claim (the uninstall's fence: `un_fence`)."""

MUTANTS = RULES + WRITES
