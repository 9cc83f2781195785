"""components.ecs_clusters: what is said to exist does, or nothing is registered."""

from collections.abc import Mapping
from typing import Any

import pytest

from components.arguments import ArgumentError
from mocks.recording import deploy, refuse
from tests.components.examples import DAEMONS, EXISTING, MONITORED, SERVICE, Example

CLUSTER = "arn:aws:ecs:eu-central-1:123456789012:cluster/theirs"
ORDERS = "arn:aws:ecs:eu-central-1:123456789012:service/theirs/orders"
GET_CLUSTER, GET_SERVICE = "aws:ecs/getCluster:getCluster", "aws:ecs/getService:getService"

ASKED = {
    CLUSTER: {"clusterName": CLUSTER},
    ORDERS: {"clusterArn": CLUSTER, "serviceName": "orders"},
}
"""What exists or does not -> what AWS is asked."""

named = pytest.mark.parametrize(
    ("example", "key", "arn"),
    [
        (SERVICE, "cluster_arns", CLUSTER),
        (DAEMONS, "cluster_arn", CLUSTER),
        (MONITORED, "cluster_arn", CLUSTER),
        (EXISTING, "service_arn", ORDERS),
    ],
    ids=["PrometheusService", "ClusterDaemons", "MonitoredService", "ExistingService"],
)


@named
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"status": "INACTIVE"}, "(INACTIVE)"),
        (LookupError("couldn't find resource"), "couldn't find resource"),
    ],
    ids=["deleted", "unknown"],
)
def test_what_does_not_exist_is_refused(
    example: Example, key: str, arn: str, answer: dict[str, str] | LookupError, told: str
) -> None:
    calls: list[Mapping[str, Any]] = []

    def ask(args: Mapping[str, Any]) -> dict[str, str]:
        calls.append(args)
        if isinstance(answer, LookupError):
            raise answer
        return answer

    error = refuse(
        lambda: _make(example, key, arn),
        invokes={GET_CLUSTER: ask, GET_SERVICE: ask},
    )
    assert calls == [ASKED[arn]]
    assert isinstance(error, ArgumentError)
    (problem,) = error.problems
    assert problem.key == key
    kind = "service" if "service" in arn else "cluster"
    assert problem.message.startswith(f"AWS does not show {arn} (")
    assert told in problem.message
    assert problem.message.endswith(
        f"expected an ECS {kind} of this account and region that exists"
    )


@named
def test_what_exists_is_taken(example: Example, key: str, arn: str) -> None:
    assert deploy(lambda: _make(example, key, arn)).resources


def _make(example: Example, key: str, arn: str) -> None:
    value = [arn] if key.endswith("s") else arn
    example.component("it", {**example.fewest, key: value})
