"""The `shopsync` command: what a person types, what is answered, how it ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import structlog
from click.testing import Result
from sqlalchemy import select
from typer.testing import CliRunner

from scheduler import host_clock
from sync_core.cli import app
from sync_core.config import load_settings
from sync_core.db import open_database
from sync_core.models import ShopProfile, ShopSync
from sync_core.vault import new_key

SHOP = "birch.myshopify.com"
TOKEN = "planted-token-marker"


def shopsync(*words: str) -> Result:
    return CliRunner().invoke(app, words)


@pytest.fixture(autouse=True)
def _own_logs() -> Iterator[None]:
    """A command configures the logs of its process: here that of all tests."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture
def ready() -> None:
    """A database beside the test, with our tables."""
    assert shopsync("init").exit_code == 0


@pytest.mark.parametrize("command", ["api", "dashboard", "sandbox", "demo"])
@pytest.mark.parametrize("port", ["-1", "0", "65536", "http"])
def test_a_port_that_is_none_is_refused_in_words(command: str, port: str) -> None:
    result = shopsync(command, "--port", port)

    assert result.exit_code == 2
    assert "--port" in result.output


@pytest.mark.parametrize("limit", ["-5", "0", "1001"])
def test_a_list_has_at_least_one_row_and_at_most_a_thousand(limit: str, ready: None) -> None:
    result = shopsync("shops", "--limit", limit)

    assert result.exit_code == 2
    assert "--limit" in result.output


@pytest.mark.parametrize("words", [("shops",), ("sweep",), ("shop", SHOP), ("trigger", SHOP), ("health",)])
def test_a_database_without_our_tables_is_told_with_its_mend(words: tuple[str, ...]) -> None:
    result = shopsync(*words)

    assert result.exit_code == 1
    assert result.output == "shopsync: the database has no tables of Shopsync: run `shopsync init`\n"


def test_health_by_the_hour_is_of_a_week_at_most(ready: None) -> None:
    week, month = (shopsync("health", "--json", "--by", "hour", "--window", window) for window in ("7d", "30d"))

    assert (week.exit_code, len(orjson.loads(week.output)["series"])) == (0, 7 * 24 + 1)
    assert month.exit_code == 1
    assert month.output == "shopsync: by=hour is for windows of at most 8 days\n"


@pytest.mark.parametrize("words", [("shops",), ("doctor",), ("init",)])
def test_a_wrong_setting_is_one_line(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKERS", "0")

    result = shopsync(*words)

    assert result.exit_code == 1
    assert result.output.startswith("shopsync: WORKERS is '0': ")
    assert result.output.count("\n") == 1


@pytest.mark.parametrize("words", [("shop", SHOP), ("trigger", SHOP)])
def test_an_unknown_shop_is_told(words: tuple[str, ...], ready: None) -> None:
    result = shopsync(*words)

    assert (result.exit_code, result.output) == (1, "shopsync: Shop not found\n")


def test_a_custom_apps_shop_is_taken_in_and_its_token_shown_nowhere(ready: None, tmp_path: Path) -> None:
    said = [shopsync("install", SHOP, "--token", TOKEN), shopsync("shop", SHOP), shopsync("shops", "--json")]

    assert [result.exit_code for result in said] == [0, 0, 0]
    assert f'"domain":"{SHOP}"' in said[2].output
    assert not any(TOKEN in result.output for result in said)
    assert not any(TOKEN.encode() in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


def test_a_second_request_joins_the_first(ready: None) -> None:
    shopsync("install", SHOP, "--token", TOKEN)

    said = [shopsync("trigger", SHOP.upper()).output, shopsync("trigger", SHOP).output]

    assert said == [f"{SHOP}: Sync started.\n", f"{SHOP}: Already requested.\n"]


def test_a_second_init_changes_nothing(ready: None) -> None:
    assert shopsync("init").output == "The database is up to date.\n"


def test_rotate_keys_seals_with_the_first_key_so_that_the_other_may_go(
    ready: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = new_key(), new_key()
    monkeypatch.setenv("TOKEN_KEYS", old)
    shopsync("install", SHOP, "--token", TOKEN)
    monkeypatch.setenv("TOKEN_KEYS", f"{new},{old}")

    result = shopsync("rotate-keys")

    assert (result.exit_code, "1 tokens, 1 of them sealed anew." in result.output) == (0, True)
    monkeypatch.setenv("TOKEN_KEYS", new)
    assert "1 tokens, 0 of them sealed anew." in shopsync("rotate-keys").output


def test_rotate_keys_without_the_old_key_says_so(ready: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN_KEYS", new_key())
    shopsync("install", SHOP, "--token", TOKEN)
    monkeypatch.setenv("TOKEN_KEYS", new_key())

    result = shopsync("rotate-keys")

    assert result.exit_code == 1
    assert "1 tokens are opened by none of TOKEN_KEYS" in result.output
    assert TOKEN not in result.output


def test_what_a_merchant_wrote_is_printed_as_it_is(ready: None) -> None:
    shopsync("install", SHOP, "--token", TOKEN)
    with open_database(load_settings(), host_clock=host_clock).write() as session:
        shop_id = session.execute(select(ShopSync.shop_id)).scalar_one()
        name = "Tees [/shirts] [red]"
        session.add(ShopProfile(shop_id=shop_id, name=name, name_folded=name.casefold(), updated_at=host_clock()))

    one, all_of_them = shopsync("shop", SHOP), shopsync("shops")

    assert (one.exit_code, all_of_them.exit_code) == (0, 0)
    assert "Tees [/shirts] [red]" in one.output
    assert "[/shirts]" in all_of_them.output
