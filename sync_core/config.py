"""Every knob with its unit, default, and the error it gives when wrong.

Source: environment, then `.env`. The table of settings is in the README; a wrong value raises
BadSetting naming variable, value and expected form, before anything else starts.
"""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from sync_core.errors import BadSetting
from sync_core.states import Profile

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
ORIGIN = re.compile(r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?/?")
HIGHEST_PORT = 65_535
RESOURCE_NAMES = ("products", "customers", "orders", "collections", "pages", "blogs", "articles", "policies")
"""What a sync can read; the first three are what the app itself shows."""
LONGEST_SECONDS = 31_536_000
LONGEST_GRACE = 3_000
"""Seconds. With the ten minutes after it a start is late within the hour, on which roll-ups rest (`health.cohort`)."""
"""A year: what is longer is a slip of the pen, and far more would overflow a moment."""


class Dispatch(StrEnum):
    """Who carries a claimed shop: this process's pool, or the cluster's task engine."""

    POOL = "pool"
    PROCRASTINATE = "procrastinate"


class Auth(StrEnum):
    """How people sign in to the pages."""

    LOCAL = "local"
    OIDC = "oidc"


class Webhooks(StrEnum):
    """Who subscribes to a shop's webhooks: each shop's runs, or the app's own configuration."""

    SHOP = "shop"
    APP = "app"


def _origin(value: str) -> str:
    found = ORIGIN.fullmatch(value)
    if not found or int(found[1] or 0) > HIGHEST_PORT:
        raise ValueError("expected an origin like https://sync.example.com")
    return value.rstrip("/")


def _base_url(value: str) -> str:
    host = urlsplit(value.replace("{shop}", "shop.myshopify.com")).hostname
    if "{shop}" not in value:
        raise ValueError("expected a template that contains {shop}, like https://{shop}")
    if value == "https://{shop}" or host in LOOPBACK_HOSTS:
        return value.rstrip("/")
    raise ValueError("expected https://{shop}, or a template whose host is loopback")


def _listed(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _delays(value: tuple[float, ...]) -> tuple[float, ...]:
    if not value or not all(0 < delay <= LONGEST_SECONDS for delay in value):
        raise ValueError("expected seconds above 0 and up to a year, comma separated, like 15,60,300")
    return value


def _resources(value: tuple[str, ...]) -> tuple[str, ...]:
    if "products" not in value or not set(value) <= set(RESOURCE_NAMES):
        raise ValueError(f"expected names of {', '.join(RESOURCE_NAMES)}, comma separated, products among them")
    return value


def _version(value: str) -> str:
    if not re.fullmatch(r"\d{4}-(01|04|07|10)|unstable", value):
        raise ValueError("expected a quarterly version like 2026-10")
    return value


def channel_urls(value: SecretStr | None) -> tuple[str, ...]:
    """The single Apprise URLs of a setting; a comma inside a URL does not part it."""
    text = value.get_secret_value() if value else ""
    return tuple(part for part in re.split(r"[\s,]+(?=[A-Za-z0-9]+://)", text.strip()) if part)


def _channels(value: SecretStr | None) -> SecretStr | None:
    if not all(re.match(r"[A-Za-z0-9]+://\S", url) for url in channel_urls(value)):
        raise ValueError("expected Apprise URLs like mailtos://… or json://…, comma separated")
    return value


def _web_address(value: SecretStr | None) -> SecretStr | None:
    if value and not re.match(r"https?://[^\s/]", value.get_secret_value()):
        raise ValueError("expected an address like https://hc-ping.com/…")
    return value


Positive = Annotated[float, Field(gt=0, le=LONGEST_SECONDS)]
Seconds = Annotated[float, Field(ge=0, le=LONGEST_SECONDS)]
Count = Annotated[int, Field(ge=1)]


class Settings(BaseSettings):
    """All settings, read once by each process's edge and passed down."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True)

    database_url: str = "sqlite:///var/shopsync.db"
    direct_url: str | None = None
    db_schema: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")] = "shopsync"

    environment: Annotated[str, Field(min_length=1, max_length=20)] = "production"
    app_url: Annotated[str, AfterValidator(_origin)] = "http://127.0.0.1:8501"
    auth: Auth = Auth.LOCAL

    shopify_api_key: str | None = None
    shopify_api_secret: SecretStr | None = None
    shopify_api_secret_old: SecretStr | None = None
    shopify_scopes: str = "read_products,read_orders,read_customers"
    shopify_api_version: Annotated[str, AfterValidator(_version)] = "2026-10"
    shopify_base_url: Annotated[str, AfterValidator(_base_url)] = "https://{shop}"
    webhooks: Webhooks = Webhooks.SHOP

    sync_resources: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed), AfterValidator(_resources)] = (
        RESOURCE_NAMES[:3]
    )

    cron_secret: SecretStr | None = None
    internal_api_secret: SecretStr | None = None
    read_api_token: SecretStr | None = None
    token_keys: SecretStr | None = None
    encryption_key: SecretStr | None = None
    token_format: Annotated[str, Field(pattern="^(fernet|app)$")] = "fernet"

    sweep_profile: Profile = Profile.PROMPT
    sweep_period_seconds: Positive = 300
    sweep_grace_seconds: Annotated[float, Field(ge=0, le=LONGEST_GRACE)] = 180
    sweep_batch: Count = 10
    wake_hold_seconds: Seconds = 10

    keep_days: Annotated[int, Field(ge=10, le=3650)] = 30
    keep_checks_days: Annotated[int, Field(ge=90, le=3650)] = 90
    keep_audit_days: Annotated[int, Field(ge=90, le=3650)] = 730

    lease_seconds: Annotated[float, Field(ge=1, le=LONGEST_SECONDS)] = 60
    stall_seconds: Positive = 600
    retry_seconds: Annotated[tuple[float, ...], NoDecode, BeforeValidator(_listed), AfterValidator(_delays)] = (
        15,
        60,
        300,
    )
    bulk_objects: Annotated[int, Field(ge=0)] = 10_000
    refresh_hours: Annotated[float, Field(ge=0, le=LONGEST_SECONDS / 3600)] = 0
    workers: Annotated[int, Field(ge=1, le=1000)] = 16
    dispatch: Dispatch = Dispatch.POOL

    alert_urls_page: Annotated[SecretStr | None, AfterValidator(_channels)] = None
    alert_urls_ticket: Annotated[SecretStr | None, AfterValidator(_channels)] = None
    healthcheck_ping_url: Annotated[SecretStr | None, AfterValidator(_web_address)] = None

    log_level: Annotated[str, Field(pattern="^(debug|info|warning|error)$")] = "info"
    log_format: Annotated[str, Field(pattern="^(console|json)$")] = "console"

    @model_validator(mode="after")
    def _agree(self) -> Settings:
        if self.sweep_profile is Profile.CLASSIC and self.workers < self.sweep_batch:
            raise ValueError("WORKERS must be at least SWEEP_BATCH with SWEEP_PROFILE=classic")
        if self.dispatch is Dispatch.PROCRASTINATE and self.database_url.startswith("sqlite"):
            raise ValueError("DISPATCH=procrastinate needs PostgreSQL in DATABASE_URL")
        if self.auth is Auth.LOCAL and urlsplit(self.app_url).hostname not in LOOPBACK_HOSTS:
            raise ValueError("AUTH=local serves loopback only; a public APP_URL needs AUTH=oidc")
        if self.token_format == "app" and self.encryption_key is None:
            raise ValueError("TOKEN_FORMAT=app needs ENCRYPTION_KEY")
        return self

    @property
    def prompt(self) -> bool:
        """Whether shops wake by themselves, with the sweep as the net."""
        return self.sweep_profile is Profile.PROMPT

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes that an install asks for."""
        return frozenset(scope.strip() for scope in self.shopify_scopes.split(",") if scope.strip())

    @property
    def sandboxed(self) -> bool:
        """Whether Shopify is played by something on loopback."""
        return self.shopify_base_url != "https://{shop}"


def load_settings(**overrides: Any) -> Settings:
    """Settings from the environment and `.env`, with `overrides` (tests) on top.

    Errors: BadSetting, one line per wrong variable; a secret's value is never repeated.
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise BadSetting("; ".join(_sentence(item) for item in error.errors())) from None


def _sentence(item: Any) -> str:
    name = str(item["loc"][0]).upper() if item["loc"] else ""
    expected = str(item["msg"]).removeprefix("Value error, ")
    if not name:
        return expected
    secret = name.endswith(("SECRET", "TOKEN", "KEYS", "KEY", "SECRET_OLD", "URL", "_PAGE", "_TICKET"))
    shown = "(not shown)" if secret else repr(item["input"])
    return f"{name} is {shown}: {expected}"


def state_folder(settings: Settings) -> Path:
    """Where a process may keep small files of its own: beside the SQLite file, else `var/`."""
    if settings.database_url.startswith("sqlite:///"):
        return Path(settings.database_url.removeprefix("sqlite:///")).parent
    return Path("var")
