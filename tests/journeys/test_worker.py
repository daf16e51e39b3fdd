"""A worker without a scheduler: what Shopify tells is worked all the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from sync_core.models import WebhookInbox
from tests.journeys.conftest import MakeSandbox, MakeStage
from tests.journeys.merchants import install_shops
from tests.journeys.processes import eventually

DOMAIN = "quiet.myshopify.com"


@pytest.mark.journey
def test_a_worker_alone_works_the_inbox(make_sandbox: MakeSandbox, make_stage: MakeStage) -> None:
    sandbox = make_sandbox(products=3, customers=1, orders=1)
    stage = make_stage(sandbox)
    install_shops(stage, sandbox, [DOMAIN], ago=timedelta(minutes=1))
    database = stage.database()
    stage.start("worker", "-m", "sync_core.cli", "worker")

    with database.write() as session:
        moment = database.now(session) - timedelta(seconds=1)
        own = {"topic": "products/delete", "shop_domain": DOMAIN, "body": '{"id": 1}'}
        session.add(WebhookInbox(webhook_id="w", received_at=moment, **own))

    def worked() -> bool:
        with database.read() as session:
            return session.execute(select(WebhookInbox.result)).scalar_one() == "not held"

    eventually(worked, "the message is worked")
