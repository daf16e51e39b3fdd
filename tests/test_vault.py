from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from sync_core.errors import BadSetting
from sync_core.vault import Unreadable, Vault, new_key, open_vault
from tests.conftest import MakeSettings

SECRET = "shpat_0123456789abcdef"
APP_KEY = "0123456789abcdef0123456789abcdef and the rest is not used"
APP_CIPHERTEXT = "65b830e638b1a1633d73e3b5ceeb82da4eca788a5cb63688dee57c598872a0f3"


@pytest.fixture
def app_vault(make_settings: MakeSettings) -> Vault:
    return open_vault(make_settings(encryption_key=APP_KEY, token_format="app"))


def test_a_sealed_secret_opens_again_and_does_not_show() -> None:
    vault = Vault([new_key()])

    sealed = vault.seal(SECRET)

    assert SECRET not in sealed
    assert vault.open(sealed) == SECRET


def test_all_keys_open_and_the_first_seals() -> None:
    old, new = new_key(), new_key()
    sealed = Vault([old]).seal(SECRET)

    rotated = Vault([new, old]).rotate(sealed)

    assert Vault([new]).open(rotated) == SECRET
    with pytest.raises(Unreadable):
        Vault([old]).open(rotated)


@pytest.mark.parametrize("sealed", ["", "nonsense", Fernet(new_key()).encrypt(SECRET.encode()).decode()])
def test_what_no_key_opens_is_an_error_that_repeats_nothing(sealed: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        Vault([new_key()]).open(sealed)

    assert "TOKEN_KEYS" in str(refusal.value)
    assert not sealed or sealed not in str(refusal.value)


def test_the_apps_format_is_written_and_read(app_vault: Vault) -> None:
    written = app_vault.for_app(SECRET)

    iv, ciphertext = written.split(":")
    assert (len(iv), len(ciphertext) % 32) == (32, 0)
    assert app_vault.from_app(written) == SECRET


def test_a_token_that_the_app_encrypted_is_read(app_vault: Vault) -> None:
    """Made with openssl enc -aes-256-cbc, the key's first 32 bytes, iv 00 01 … 0f."""
    encrypted = "000102030405060708090a0b0c0d0e0f:" + APP_CIPHERTEXT

    assert app_vault.from_app(encrypted) == SECRET


def test_the_apps_format_is_not_written_unless_asked_for(make_settings: MakeSettings) -> None:
    vault = open_vault(make_settings(encryption_key=APP_KEY))

    assert vault.open(vault.for_app(SECRET)) == SECRET


@pytest.mark.parametrize("key", [None, "another key of at least 32 characters"])
def test_the_apps_format_without_its_key_names_the_setting(
    make_settings: MakeSettings, app_vault: Vault, key: str | None
) -> None:
    written = app_vault.for_app(SECRET)
    vault = open_vault(make_settings(encryption_key=key))

    with pytest.raises(Unreadable, match="ENCRYPTION_KEY"):
        vault.from_app(written)


def test_a_plain_token_of_the_app_is_read_as_it_stands(app_vault: Vault) -> None:
    assert app_vault.from_app(SECRET) == SECRET


def test_a_token_of_ours_in_the_apps_column_is_opened(app_vault: Vault) -> None:
    assert app_vault.from_app(app_vault.seal(SECRET)) == SECRET


def test_on_sqlite_a_key_is_made_once_beside_the_database(make_settings: MakeSettings, tmp_path: Path) -> None:
    settings = make_settings(token_keys=None)

    sealed = open_vault(settings).seal(SECRET)

    assert open_vault(settings).open(sealed) == SECRET
    assert [path.name for path in tmp_path.iterdir()] == ["token_keys"]
    assert stat.S_IMODE((tmp_path / "token_keys").stat().st_mode) == 0o600


def test_on_postgresql_a_missing_key_stops_the_start(make_settings: MakeSettings) -> None:
    with pytest.raises(BadSetting, match="TOKEN_KEYS is unset"):
        open_vault(make_settings(token_keys=None, database_url="postgresql://h/d"))


def test_a_key_that_is_none_is_refused_without_repeating_it(make_settings: MakeSettings) -> None:
    with pytest.raises(BadSetting) as refusal:
        open_vault(make_settings(token_keys="not-a-key"))

    assert "not-a-key" not in str(refusal.value)


@pytest.mark.parametrize("length", [31, 32, 33])
def test_the_apps_key_has_at_least_32_bytes(make_settings: MakeSettings, length: int) -> None:
    settings = make_settings(encryption_key="k" * length, token_format="app")

    if length < 32:
        with pytest.raises(BadSetting, match="at least 32 bytes"):
            open_vault(settings)
    else:
        assert open_vault(settings).for_app(SECRET)
