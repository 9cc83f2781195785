"""components.services.between: what no two services may have in common."""

from typing import Any

import pytest

from components.services.between import problems_between_services


def service(**args: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"job": "", "host_name": "", "listener_priority": 0, **args}


def named(host: str, priority: int) -> dict[str, Any]:
    return service(host_name=f"{host}.example.com", listener_priority=priority)


def problems(services: dict[str, dict[str, Any]]) -> list[tuple[str, str]]:
    servers = ("prometheus", "grafana")
    found = problems_between_services(services, domain="example.com", servers=servers)
    return [(name, problem.text(problem.key)) for name, problem in found]


def test_services_that_differ() -> None:
    assert problems({"shop": named("shop", 1), "cart": named("cart", 2)}) == []
    # Without host names, nothing of a load balancer is theirs.
    assert problems({"shop": service(), "cart": service()}) == []


TAKEN = "has it already; expected another one"


@pytest.mark.parametrize(
    ("services", "expected"),
    [
        (
            {"shop": named("shop", 1), "cart": named("shop", 2)},
            ("cart", f"host_name is 'shop.example.com': the service shop {TAKEN}"),
        ),
        (
            {"shop": named("shop", 1), "cart": named("cart", 1)},
            ("cart", f"listener_priority is 1: the service shop {TAKEN}"),
        ),
        (
            {"shop": named("grafana", 1)},
            ("shop", f"host_name is 'grafana.example.com': the server grafana {TAKEN}"),
        ),
        (
            {"shop": named("shop", 10)},
            ("shop", f"listener_priority is 10: the server prometheus {TAKEN}"),
        ),
        (
            {"shop": service(), "cart": service(job="shop")},
            ("cart", f"job is 'shop': the service shop {TAKEN}"),
        ),
        ({"node": service()}, ("node", f"job is 'node': this package's own scrape job {TAKEN}")),
    ],
)
def test_what_is_taken(services: dict[str, dict[str, Any]], expected: tuple[str, str]) -> None:
    assert problems(services) == [expected]


def test_a_server_without_a_host_name_takes_nothing() -> None:
    assert problems({"shop": named("alertmanager", 20)}) == []


def test_what_is_illegal_by_itself_is_left_out() -> None:
    assert problems({"shop": {}, "cart": {"host_name": "cart.example.com"}}) == []
