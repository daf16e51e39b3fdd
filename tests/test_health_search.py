"""Finding shops by what people type or paste."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from sync_core import health
from sync_core.errors import BadInput
from sync_core.health import Sort
from sync_core.health.meaning import meaning
from sync_core.states import Hold, Status
from tests.conftest import Ago
from tests.health_rows import Rows


@pytest.fixture
def rows(session: Session, now: datetime) -> Rows:
    return Rows(session, now)


@pytest.fixture
def atelier(rows: Rows) -> Rows:
    """Two shops, one of them with all that can be searched."""
    shop_id = rows.shop(
        "atelier-moreau",
        status=Status.FAILED,
        failures=1,
        error_class="unavailable",
        error_message="Shopify answered 503 at 100%",
    )
    known = {"primary_domain": "www.ateliermoreau.com", "contact_email": "Ada@Moreau.example"}
    rows.profile(shop_id, "Atelier MOREAU Straße", shopify_gid="gid://shopify/Shop/8812", **known)
    rows.shop("other")
    return rows


@pytest.fixture
def find(session: Session, now: datetime):
    def found(text: str = "", **asked: object) -> list[str]:
        page = health.search(session, now=now, text=text, **asked)  # type: ignore[arg-type]
        return [row.domain.removesuffix(".myshopify.com") for row in page.rows]

    return found


@pytest.mark.parametrize(
    "text",
    [
        *(
            "atelier",
            "-MOREAU",
            "moreau",
            "strasse",
            "  Atelier moreau ",
            "id-atelier-moreau",
            "8812",
            "answered 503",
            "100%",
        ),
        *(
            "ada@moreau.example",
            "ateliermoreau.com",
            "https://www.ateliermoreau.com/products/linen?x=1",
            "http://ateliermoreau.com",
        ),
        *("https://admin.shopify.com/store/atelier-moreau/products/1", "admin.shopify.com/store/atelier-moreau"),
        *("https://atelier-moreau.myshopify.com/admin/orders", "atelier-moreau.myshopify.com"),
    ],
)
def test_a_shop_is_found_by_whatever_is_known_of_it(atelier: Rows, find, text: str) -> None:
    assert find(text) == ["atelier-moreau"]


@pytest.mark.parametrize("text", ["_telier", "%", "nobody", "https://", "http://[", "'; drop table shop_sync; --"])
def test_a_text_that_means_no_shop_finds_none(rows: Rows, find, text: str) -> None:
    rows.shop("atelier-moreau")

    assert find(text) == []


def test_one_or_two_letters_find_the_words_that_begin_with_them(rows: Rows, find) -> None:
    for name, known in (("qed-books", "Quiet Corner"), ("plain", "Old Qatar"), ("other", "Iraq Square")):
        rows.profile(rows.shop(name), known)

    assert find("q") == ["plain", "qed-books"]
    assert find("Qu") == ["qed-books"]
    assert find("qua") == ["other"]


def test_an_e_mail_address_at_a_shops_domain_is_text_not_an_address() -> None:
    assert meaning("me@one.myshopify.com").domain is None


def test_filters_narrow_by_status_cause_path_overdue_and_attention(rows: Rows, ago: Ago, find) -> None:
    rows.shop("fine")
    rows.shop("frozen", status=Status.FAILED, hold=Hold.FROZEN, failures=1, error_class="frozen")
    rows.shop("late", status=Status.PENDING, due_at=ago(minutes=11))
    rows.shop("failing", status=Status.FAILED, failures=12, attention=True, error_class="internal")
    rows.install("id-fine", ago(days=3), path="cli")
    rows.install("id-late", ago(days=3), path="retry")

    assert find(status=Status.FAILED) == ["failing", "frozen"]
    assert find(cause="frozen") == ["frozen"]
    assert find(cause="internal") == ["failing"]
    assert find(cause="attention") == find(attention=True) == ["failing"]
    assert find(cause="overdue") == find(overdue=True) == ["late"]
    assert (find(path="manual"), find(path="wake"), find(path="sweep")) == (["fine"], ["late"], [])


@pytest.mark.parametrize("sort", list(Sort))
def test_pages_show_every_shop_once_in_the_same_order(
    rows: Rows, ago: Ago, session: Session, now: datetime, sort: Sort
) -> None:
    for nth in range(11):
        same = {"installed_at": ago(days=nth // 3), "last_synced_at": ago(hours=nth // 3) if nth % 2 else None}
        rows.shop(failing_since=ago(minutes=nth // 4) if nth % 3 else None, **same)
    whole = [row.shop_id for row in health.search(session, now=now, sort=sort).rows]

    paged: list[str] = []
    after, more = None, True
    while more:
        page = health.search(session, now=now, sort=sort, after=after, limit=3)
        paged += [row.shop_id for row in page.rows]
        after, more = page.next_after, page.next_after is not None

    assert paged == whole
    assert len(set(whole)) == 11


def test_the_longest_waiting_come_first(rows: Rows, ago: Ago, find) -> None:
    rows.shop("synced", first_synced_at=ago(days=1))
    rows.shop("new", status=Status.PENDING, installed_at=ago(minutes=5))
    rows.shop("failing", status=Status.FAILED, failures=1, first_synced_at=ago(days=1), failing_since=ago(minutes=50))
    rows.shop("left", hold=Hold.UNINSTALLED, installed_at=ago(days=9))

    assert find(sort=Sort.WAITING) == ["failing", "new", "left", "synced"]


def test_a_row_tells_its_cause(rows: Rows, ago: Ago, session: Session, now: datetime) -> None:
    rows.shop("a", status=Status.FAILED, hold=Hold.GONE, failures=3, error_class="not_found")
    rows.shop("b", status=Status.PENDING, due_at=ago(hours=1), failures=1, error_class="internal")
    rows.shop("c", status=Status.FAILED, failures=1, error_class="internal")
    rows.shop("d")

    page = health.search(session, now=now)

    assert [row.cause for row in page.rows] == ["gone", "overdue", "internal", None]
    assert [row.overdue for row in page.rows] == [False, True, False, False]


@pytest.mark.parametrize("after", ["x", "[]", "[1]", "{}", "null", "[1, 2]", '["a", {}]', r'["a\u0000", "b"]'])
@pytest.mark.parametrize("sort", [Sort.DOMAIN, Sort.NEWEST])
def test_a_place_that_is_not_ours_is_refused(session: Session, now: datetime, after: str, sort: Sort) -> None:
    with pytest.raises(BadInput, match="after is not a place"):
        health.search(session, now=now, after=after, sort=sort)


@pytest.mark.parametrize("key", ["not a moment", "2026-11-02T09:30:00", "0001-01-01T00:00:00+23:59", r"\ud800"])
def test_a_place_in_time_that_is_no_moment_is_refused(session: Session, now: datetime, key: str) -> None:
    with pytest.raises(BadInput, match="after is not a place"):
        health.search(session, now=now, after=f'["{key}", "id"]', sort=Sort.NEWEST)


def test_the_total_is_of_all_pages(rows: Rows, session: Session, now: datetime) -> None:
    for _ in range(4):
        rows.shop()

    page = health.search(session, now=now, limit=3)

    assert (page.total, page.capped, len(page.rows)) == (4, False, 3)
