from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from sync_core.config import Settings, channel_urls, load_settings, state_folder
from sync_core.errors import BadSetting
from sync_core.states import Profile
from tests.conftest import MakeSettings


def test_the_defaults_need_no_environment() -> None:
    settings = load_settings()

    assert settings.database_url == "sqlite:///var/shopsync.db"
    assert settings.prompt
    assert not settings.sandboxed


def test_the_environment_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("LEASE_SECONDS=30\nWORKERS=3\n")
    monkeypatch.setenv("LEASE_SECONDS", "45")

    settings = load_settings()

    assert (settings.lease_seconds, settings.workers) == (45, 3)


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEASE_SECONDS", "")

    assert load_settings().lease_seconds == 60


def test_what_is_read_is_named_one_by_one() -> None:
    assert load_settings().sync_resources == ("products", "customers", "orders")
    assert load_settings(sync_resources="products, pages").sync_resources == ("products", "pages")


def test_a_wrong_name_of_a_resource_is_shown_with_the_names_that_there_are() -> None:
    with pytest.raises(BadSetting, match=r"SYNC_RESOURCES is 'baskets': expected names of .* among"):
        load_settings(sync_resources="baskets")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lease_seconds", 0.99),
        ("lease_seconds", "inf"),
        ("lease_seconds", "nan"),
        ("lease_seconds", 31_536_001),
        ("stall_seconds", 0),
        ("sweep_period_seconds", 0),
        ("sweep_grace_seconds", -0.1),
        ("sweep_batch", 0),
        ("wake_hold_seconds", -1),
        ("refresh_hours", -1),
        ("refresh_hours", "inf"),
        ("workers", 0),
        ("workers", 1001),
        ("retry_seconds", ""),
        ("retry_seconds", "15,0"),
        ("retry_seconds", "15,nan"),
        ("retry_seconds", "15,31536001"),
        ("retry_seconds", "soon"),
        ("sync_resources", ""),
        ("sync_resources", "orders"),
        ("sync_resources", "products,baskets"),
        ("sweep_profile", "fast"),
        ("dispatch", "celery"),
        ("auth", "none"),
        ("db_schema", "Shop-Sync"),
        ("environment", ""),
        ("environment", "x" * 21),
        ("app_url", "sync.example.com"),
        ("app_url", "http://127.0.0.1:8501/app"),
        ("app_url", "http://127.0.0.1:8501?x=1"),
        ("app_url", "http://127.0.0.1:8501#x"),
        ("app_url", "http://user@127.0.0.1:8501"),
        ("app_url", "http://127.0.0.1:99999"),
        ("shopify_api_version", "2026-09"),
        ("shopify_base_url", "https://proxy.example.com/{shop}"),
        ("shopify_base_url", "http://127.0.0.1:9292"),
        ("token_format", "plain"),
        ("log_level", "loud"),
        ("log_format", "xml"),
    ],
)
def test_a_wrong_value_stops_the_start_with_its_name(make_settings: MakeSettings, name: str, value: object) -> None:
    with pytest.raises(BadSetting, match=rf"^{name.upper()} is "):
        make_settings(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lease_seconds", 1),
        ("lease_seconds", 31_536_000),
        ("sweep_grace_seconds", 0),
        ("sweep_batch", 1),
        ("workers", 1),
        ("workers", 1000),
        ("retry_seconds", "0.1"),
        ("db_schema", "_sync2"),
        ("environment", "x" * 20),
        ("app_url", "http://localhost:1"),
        ("shopify_api_version", "unstable"),
        ("shopify_base_url", "https://{shop}"),
        ("shopify_base_url", "http://127.0.0.1:9292/{shop}"),
    ],
)
def test_a_value_at_the_edge_is_taken(make_settings: MakeSettings, name: str, value: object) -> None:
    assert make_settings(**{name: value})


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"sweep_profile": "classic", "workers": 9, "sweep_batch": 10}, "WORKERS must be at least SWEEP_BATCH"),
        ({"dispatch": "procrastinate"}, "needs PostgreSQL in DATABASE_URL"),
        ({"app_url": "https://sync.example.com"}, "a public APP_URL needs AUTH=oidc"),
        ({"token_format": "app"}, "TOKEN_FORMAT=app needs ENCRYPTION_KEY"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    make_settings: MakeSettings, overrides: dict[str, object], said: str
) -> None:
    with pytest.raises(BadSetting, match=said):
        make_settings(**overrides)


def test_the_classic_profile_takes_as_many_workers_as_its_batch(make_settings: MakeSettings) -> None:
    settings = make_settings(sweep_profile="classic", workers=10, sweep_batch=10)

    assert settings.sweep_profile is Profile.CLASSIC


def test_delays_are_numbers_in_their_order(make_settings: MakeSettings) -> None:
    assert make_settings(retry_seconds="15, 60,300").retry_seconds == (15, 60, 300)


def test_several_wrong_values_are_told_at_once(make_settings: MakeSettings) -> None:
    with pytest.raises(BadSetting) as refusal:
        make_settings(workers=0, log_level="loud")

    assert {part.split(" ")[0] for part in str(refusal.value).split("; ")} == {"WORKERS", "LOG_LEVEL"}


def test_no_secret_is_shown_by_settings_or_by_their_errors(make_settings: MakeSettings) -> None:
    secret = "https://planted-marker"
    names = [name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)]

    settings = make_settings(**dict.fromkeys(names, secret))

    assert len(names) >= 10
    assert "planted-marker" not in repr(settings) + str(settings)


@pytest.mark.parametrize("name", ["alert_urls_page", "alert_urls_ticket", "healthcheck_ping_url"])
def test_an_address_that_is_none_is_refused_and_not_repeated(make_settings: MakeSettings, name: str) -> None:
    with pytest.raises(BadSetting, match=f"{name.upper()} is \\(not shown\\): expected") as refused:
        make_settings(**{name: "planted-marker"})

    assert "planted-marker" not in str(refused.value)


def test_the_addresses_of_a_channel_are_parted_at_the_next_scheme_only() -> None:
    urls = SecretStr("mailto://a:b@mail.example?to=ann@x.example,bob@x.example, json://127.0.0.1:1/a\njsons://b")

    parted = channel_urls(urls)

    assert parted == (
        "mailto://a:b@mail.example?to=ann@x.example,bob@x.example",
        "json://127.0.0.1:1/a",
        "jsons://b",
    )


@pytest.mark.parametrize(
    ("url", "folder"), [("sqlite:///var/x.db", "var"), ("sqlite:////srv/x.db", "/srv"), ("postgresql://h/d", "var")]
)
def test_small_files_lie_beside_the_database(make_settings: MakeSettings, url: str, folder: str) -> None:
    assert state_folder(make_settings(database_url=url)) == Path(folder)
