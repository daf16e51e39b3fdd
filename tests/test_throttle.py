"""The limiter waits for what Shopify says, and for nothing else."""

from __future__ import annotations

import pytest

from sync_core.shopify.answers import Cost
from sync_core.shopify.throttle import Limiter, Limiters


class Seconds:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def limiter(seconds: Seconds) -> Limiter:
    return Limiter(clock=seconds)


def cost(requested: float, *, available: float, restore_rate: float = 100) -> Cost:
    return Cost(requested, requested, available, 2000, restore_rate)


def test_the_first_query_is_sent_at_once(limiter: Limiter) -> None:
    assert limiter.take("products") == 0


@pytest.mark.parametrize(("available", "wait"), [(301, 0), (300, 0), (299, 0.01), (0, 3), (-50, 3.5)])
def test_a_query_waits_until_its_points_are_restored(limiter: Limiter, available: float, wait: float) -> None:
    limiter.take("products")
    limiter.settle("products", cost(300, available=available))

    assert limiter.take("products") == pytest.approx(wait)


def test_points_come_back_with_time(limiter: Limiter, seconds: Seconds) -> None:
    limiter.take("products")
    limiter.settle("products", cost(300, available=100))
    seconds.now += 1.5

    assert limiter.take("products") == pytest.approx(0.5)


def test_points_in_flight_are_not_there_for_another(limiter: Limiter) -> None:
    limiter.take("products")
    limiter.settle("products", cost(300, available=500))
    limiter.take("products")

    assert limiter.take("products") == pytest.approx(1.0)


def test_a_lost_answer_frees_its_points(limiter: Limiter) -> None:
    limiter.take("products")
    limiter.settle("products", cost(300, available=300))
    limiter.take("products")

    limiter.settle("products", None)

    assert limiter.take("products") == 0


def test_a_query_larger_than_the_bucket_waits_for_a_full_one(limiter: Limiter) -> None:
    limiter.take("huge")
    limiter.settle("huge", cost(9000, available=0))

    assert limiter.take("huge") == pytest.approx(20)


def test_a_cheap_query_does_not_wait_for_a_dear_one(limiter: Limiter) -> None:
    limiter.take("products")
    limiter.settle("products", cost(300, available=20))
    limiter.take("count")
    limiter.settle("count", cost(5, available=20))

    assert limiter.take("count") == 0


def test_a_shop_has_one_limiter() -> None:
    limiters = Limiters()

    assert limiters.of("a.myshopify.com") is limiters.of("a.myshopify.com")
    assert limiters.of("a.myshopify.com") is not limiters.of("b.myshopify.com")


def test_the_longest_unused_limiter_is_forgotten() -> None:
    limiters = Limiters(keep=2)
    first, second = limiters.of("a.myshopify.com"), limiters.of("b.myshopify.com")
    limiters.of("a.myshopify.com")

    limiters.of("c.myshopify.com")

    assert limiters.of("a.myshopify.com") is first
    assert limiters.of("b.myshopify.com") is not second


@pytest.mark.parametrize(("available", "wait"), [(551, 0.01), (552, 0), (553, 0)])
def test_a_query_that_was_never_asked_waits_for_the_points_that_it_will_cost(
    limiter: Limiter, available: float, wait: float
) -> None:
    limiter.take("products")
    limiter.settle("products", cost(233, available=available))

    assert limiter.take("orders", expected=552) == pytest.approx(wait)


def test_what_shopify_says_of_a_query_counts_more_than_what_was_expected(limiter: Limiter) -> None:
    limiter.take("orders", expected=552)
    limiter.settle("orders", cost(400, available=400))

    assert limiter.take("orders", expected=552) == 0
