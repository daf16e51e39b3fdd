"""Who is signed in, and what may they do."""

from __future__ import annotations

import pytest

from dashboard import access
from dashboard.access import LOCAL_ADMIN, Right, Role, Viewer, came_directly, signed_in
from sync_core.errors import Forbidden
from tests.conftest import MakeSettings


@pytest.mark.parametrize("host", ["127.0.0.1:8501", "localhost", "LOCALHOST:80", "[::1]:8501"])
def test_this_machine_is_signed_in_as_the_local_admin(host: str, make_settings: MakeSettings) -> None:
    assert signed_in(make_settings(), {"Host": host}) == LOCAL_ADMIN


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "sync.example.com"},
        {"Host": "127.0.0.1.evil.com"},
        {"Host": "127.0.0.1:8501", "X-Forwarded-For": "10.0.0.1"},
        {"host": "localhost", "forwarded": "for=10.0.0.1"},
    ],
)
def test_another_machine_is_refused_in_local_mode(headers: dict[str, str], make_settings: MakeSettings) -> None:
    assert not came_directly(headers)
    with pytest.raises(Forbidden, match="this machine only"):
        signed_in(make_settings(), headers)


def test_without_an_identity_provider_nobody_signs_in_under_oidc(make_settings: MakeSettings) -> None:
    with pytest.raises(Forbidden, match="AUTH=local only"):
        signed_in(make_settings(auth="oidc"), {"Host": "localhost"})


@pytest.mark.parametrize(
    ("right", "allowed"),
    [
        (access.SYNC, [False, True, True]),
        (access.NOTE, [False, True, True]),
        (access.TAKE_OVER, [False, True, True]),
        (access.CHECK, [False, True, True]),
        (access.STOP, [False, False, True]),
    ],
)
def test_each_right_has_its_least_role(right: Right, allowed: list[bool]) -> None:
    assert [Viewer("Ada", role).may(right) for role in Role] == allowed


def test_a_refusal_says_what_is_not_allowed() -> None:
    with pytest.raises(Forbidden, match="A viewer may not start a sync"):
        Viewer("Ada", Role.VIEWER).must(access.SYNC)
