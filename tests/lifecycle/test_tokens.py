"""The token of a run: what a refresh may store."""

from __future__ import annotations

import threading

import httpx
import pytest

from sync_core.access import Access
from sync_core.errors import StaleClaim
from sync_core.shopify.patience import Patience
from tests.conftest import Clock
from tests.fleet import PAIR, Fleet

ANSWER = {"access_token": "shpat_refreshed", "refresh_token": "shprt_refreshed", "expires_in": 3600, "scope": ""}


def test_a_run_whose_claim_is_over_stores_no_token(fleet: Fleet, clock: Clock) -> None:
    claim = fleet.claim_one(fleet.install())
    http = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, json=ANSWER)))
    own = {"database": fleet.database, "vault": fleet.vault, "settings": fleet.settings, "http": http}
    access = Access(claim, **own)  # type: ignore[arg-type]
    clock.advance(seconds=61)
    fleet.claim(owner="worker-2")

    with pytest.raises(StaleClaim):
        access.replace(PAIR.access_token, patience=Patience(stopping=threading.Event()))

    assert fleet.sync(claim.shop_id).token_version == claim.token_version
