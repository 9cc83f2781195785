"""ServiceNamespace: exactly what it registers, and which domains it takes."""

import pytest

from components.network.service_namespace import private_domain
from mocks.recording import deploy
from tests.components.examples import NAMESPACE
from tests.components.refusal import problem


def test_the_namespace() -> None:
    deployment = deploy(lambda: NAMESPACE.component("names", NAMESPACE.all))
    (child,) = [r for r in deployment.resources if r.options.custom]
    assert child.type == "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace"
    assert child.inputs == {
        "name": "watch.example",
        "vpc": "vpc-1",
        "description": "Where the monitoring servers find each other",
    }
    (outputs,) = [o for urn, o in deployment.outputs.items() if "ServiceNamespace" in urn]
    assert outputs == {"namespace_id": "names-namespace-id", "domain": "watch.example"}


@pytest.mark.parametrize("domain", ["monitoring.internal", "a-1.b.c2", f"{'a' * 63}.internal"])
def test_a_legal_domain(domain: str) -> None:
    private_domain(domain)


@pytest.mark.parametrize(
    "domain",
    *[["", "internal", "Monitoring.internal", "a_b.internal", ".internal", "a..b", "a.b.", "-a.b"]],
)
def test_an_illegal_domain(domain: str) -> None:
    expected = "expected a domain of lowercase letters, digits and '-', such as monitoring.internal"
    assert problem(private_domain, domain) == expected


def test_a_domain_that_is_too_long() -> None:
    assert problem(private_domain, f"{'a' * 64}.internal")
    assert problem(private_domain, ".".join(["a" * 60] * 4))
