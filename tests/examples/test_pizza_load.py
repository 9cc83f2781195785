"""The load generator, against the service."""

from __future__ import annotations

import itertools
import re
import signal
from typing import TYPE_CHECKING

import pytest

from examples.pizza_service.load import PIZZAS, faults
from examples.pizza_service.pizza.kitchen import MENU
from sandbox.addresses import LOOPBACK, free_port
from tests.examples.shop import Service, loaded, loading, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

FAST = ("--rate", "72000")  # 20 a second


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("pizza"), ALLOW_FAULTS="true") as found:
        yield found


def orders(service: Service) -> tuple[float, float]:
    values = service.values()
    created, failed = (
        values[f"pizza_orders_total outcome={outcome}"] for outcome in ("created", "failed")
    )
    return created, failed


def test_it_orders_what_there_is() -> None:
    assert set(PIZZAS) == set(MENU)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 0), (0.001, 1), (0.3, 300), (0.5, 500), (1.0, 1000)]
)
def test_failures_are_spread_evenly(share: float, expected: int) -> None:
    chosen = list(itertools.islice(faults(share), 1000))
    assert sum(chosen) == expected
    for number in range(1, 1000):
        assert abs(sum(chosen[:number]) - share * number) <= 1


def test_it_says_what_has_become_of_the_orders(service: Service) -> None:
    created, failed = orders(service)
    done = loaded(service.url, *FAST, "--failures", "0.3", "--duration", "6")
    assert done.returncode == 0, done.stderr
    progress, summary = done.stdout.splitlines()
    assert re.match(r"\d+ s: \d+ orders \([\d,]+ an hour\): \d+ created, \d+ failed", progress)
    found = re.match(
        r"In all \d+ s: 120 orders \([\d,]+ an hour\): 84 created, 36 failed, 0 without an answer;"
        r" 95 % within \d+ ms$",
        summary,
    )
    assert found, summary
    assert orders(service) == (created + 84, failed + 36)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_when_it_is_told_to(service: Service, number: signal.Signals) -> None:
    created, _ = orders(service)
    with loading(service.url, *FAST) as process:
        assert process.stdout
        assert process.stdout.readline().endswith("ms\n")  # it runs
        process.send_signal(number)
        said, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (0, "")
    found = re.fullmatch(r"In all .* (\d+) created, 0 failed, 0 without .*\n", said)
    assert found, said
    assert orders(service)[0] == created + int(found[1])


def test_it_says_when_nobody_answers() -> None:
    url = f"http://{LOOPBACK}:{free_port()}"
    done = loaded(url, *FAST, "--duration", "1")
    assert done.returncode == 1
    assert done.stderr == f"error: 20 orders got no answer from {url}\n"


def test_it_says_when_the_service_does_not_fail(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with serving(tmp_path_factory.mktemp("pizza")) as service:
        done = loaded(service.url, *FAST, "--failures", "0.5", "--duration", "1")
    assert done.returncode == 1
    assert "error: 10 orders were to fail, and were created" in done.stderr
    assert "ALLOW_FAULTS=true" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "the following arguments are required: url"),
        (("127.0.0.1:8000",), "'127.0.0.1:8000': expected a URL such as http://127.0.0.1:8000"),
        (("http://a", "--rate", "0"), "'0': expected a number above 0"),
        (("http://a", "--rate", "nan"), "'nan': expected a number above 0"),
        (("http://a", "--rate", "inf"), "'inf': expected a number above 0"),
        (("http://a", "--failures", "30"), "'30': expected a share from 0 to 1"),
        (("http://a", "--duration", "1m"), "'1m': expected a number above 0"),
    ],
)
def test_bad_arguments_are_refused(arguments: tuple[str, ...], expected: str) -> None:
    done = loaded(*arguments)
    assert done.returncode == 2
    assert expected in done.stderr
    assert not done.stdout
