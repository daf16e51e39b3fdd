"""Tokens and secrets at rest.

TOKEN_KEYS are Fernet keys: the first encrypts, all decrypt. On the app's own database `accessToken`
may hold the app's format, AES-256-CBC as hex(iv):hex(ciphertext) under the first 32 bytes of
ENCRYPTION_KEY: readable always, written only with TOKEN_FORMAT=app.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from sync_core.config import Settings, state_folder
from sync_core.errors import BadSetting

APP_FORMAT = re.compile(r"[0-9a-f]{32}:(?:[0-9a-f]{32})+")
KEY_FILE = "token_keys"
APP_KEY_BYTES = 32


class Unreadable(BadSetting):
    """A stored token cannot be decrypted with the keys that are set."""


class Vault:
    """Encrypts and decrypts tokens. Never logs, never puts a value in an error."""

    def __init__(self, keys: list[str], *, app_key: bytes | None = None, write_app_format: bool = False) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self._first = Fernet(keys[0])
        self._app_key = app_key
        self._write_app_format = write_app_format

    def seal(self, secret: str) -> str:
        """The secret, encrypted with the first key."""
        return self._fernet.encrypt(secret.encode()).decode()

    def open(self, sealed: str) -> str:
        """The secret in a sealed text. Errors: Unreadable."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise Unreadable("TOKEN_KEYS (not shown) open no stored token: expected the keys that sealed it") from None

    def is_current(self, sealed: str) -> bool:
        """Whether the first key sealed it."""
        try:
            self._first.decrypt(sealed.encode())
        except InvalidToken:
            return False
        return True

    def rotate(self, sealed: str) -> str:
        """The same secret, encrypted with the first key. Errors: Unreadable."""
        return self.seal(self.open(sealed))

    def for_app(self, secret: str) -> str:
        """The secret as the app's accessToken column holds it."""
        if self._write_app_format and self._app_key:
            return _encrypt_app(secret, self._app_key)
        return self.seal(secret)

    def from_app(self, stored: str) -> str:
        """The secret in the app's accessToken column: the app's format, ours, or plain text.

        Errors: Unreadable when it is the app's format and ENCRYPTION_KEY is unset or another.
        """
        if APP_FORMAT.fullmatch(stored):
            return _decrypt_app(stored, self._app_key)
        return self.open(stored) if is_ours(stored) else stored


def is_ours(stored: str) -> bool:
    """Whether a text in the app's accessToken column is sealed by us."""
    return stored.startswith("gAAAA")


def open_vault(settings: Settings) -> Vault:
    """The vault for these settings; on SQLite a key is made once beside the database.

    Errors: BadSetting when TOKEN_KEYS is missing on PostgreSQL or is not a Fernet key, or ENCRYPTION_KEY is too short.
    """
    app_key = _app_key(settings)
    try:
        return Vault(_keys(settings), app_key=app_key, write_app_format=settings.token_format == "app")
    except ValueError:
        raise BadSetting("TOKEN_KEYS is (not shown): expected Fernet keys (shopsync secrets)") from None


def new_key() -> str:
    """A fresh Fernet key."""
    return Fernet.generate_key().decode()


def _app_key(settings: Settings) -> bytes | None:
    if settings.encryption_key is None:
        return None
    key = settings.encryption_key.get_secret_value().encode()[:APP_KEY_BYTES]
    if len(key) < APP_KEY_BYTES:
        raise BadSetting(f"ENCRYPTION_KEY is (not shown): expected the app's key, at least {APP_KEY_BYTES} bytes")
    return key


def _keys(settings: Settings) -> list[str]:
    if settings.token_keys:
        return [key.strip() for key in settings.token_keys.get_secret_value().split(",") if key.strip()]
    if not settings.database_url.startswith("sqlite"):
        raise BadSetting("TOKEN_KEYS is unset: expected Fernet keys, comma separated (shopsync secrets)")
    return [_key_beside(state_folder(settings) / KEY_FILE)]


def _key_beside(path: Path) -> str:
    """The key in `path`, made by whichever process comes first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.touch(mode=0o600)
    fresh.write_text(new_key())
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return path.read_text().strip()


def _encrypt_app(secret: str, key: bytes) -> str:
    iv = os.urandom(16)
    padder = PKCS7(128).padder()
    padded = padder.update(secret.encode()) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return f"{iv.hex()}:{(encryptor.update(padded) + encryptor.finalize()).hex()}"


def _decrypt_app(stored: str, key: bytes | None) -> str:
    if key is None:
        raise Unreadable("ENCRYPTION_KEY is unset: expected the app's key, its accessToken is encrypted with it")
    iv, ciphertext = (bytes.fromhex(part) for part in stored.split(":"))
    decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    unpadder = PKCS7(128).unpadder()
    try:
        padded = decryptor.update(ciphertext) + decryptor.finalize()
        return (unpadder.update(padded) + unpadder.finalize()).decode()
    except ValueError:
        raise Unreadable("ENCRYPTION_KEY (not shown) opens no accessToken of the app's") from None
