"""What stacks cost: which resources have which price, and what the pages say of it."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.exporters.instance_types import usd_a_month
from docs import costs, prices
from mocks.recording import Deployment, deploy
from tests.components.examples import EXAMPLES, Example
from tests.program.evaluate import evaluate

ROOT = Path(__file__).parents[2]
STACKS = sorted(file.name.split(".")[1] for file in ROOT.glob("Pulumi.*.yaml"))


def lines(deployment: Deployment) -> dict[tuple[str, str], tuple[float, float]]:
    """Component and thing -> how many, and US dollars a month."""
    return {
        (line.component, line.price.what): (line.quantity, line.usd)
        for line in costs.lines(deployment)
    }


def changed(changes: dict[str, Any]) -> dict[tuple[str, str], tuple[float, float]]:
    """What the stack `dev` costs with other settings, where it is not what it costs as it is."""
    before, after = lines(evaluate()), lines(evaluate(changes))
    nothing = (0.0, 0.0)
    return {
        key: after.get(key, nothing)
        for key in before.keys() | after.keys()
        if before.get(key) != after.get(key)
    }


def child(register: Callable[[pulumi.ResourceOptions], object]) -> Deployment:
    """What a component registers that has one resource."""

    def program() -> None:
        component = pulumi.ComponentResource("prometheus-aws:index:Ingress", "ingress")
        register(pulumi.ResourceOptions(parent=component))

    return deploy(program)


# --- every type has its place ---


@pytest.mark.parametrize("stack", STACKS)
def test_each_type_of_each_stack_is_priced_or_free(stack: str) -> None:
    assert costs.total(evaluate(stack=stack)) > 0


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
@pytest.mark.parametrize("arguments", ["fewest", "all"])
def test_each_type_of_each_component_is_priced_or_free(example: Example, arguments: str) -> None:
    args = getattr(example, arguments)
    deployment = deploy(lambda: example.component("it", args))
    assert deployment.resources
    costs.lines(deployment)


def test_a_type_without_a_place_is_refused() -> None:
    deployment = child(lambda opts: aws.sqs.Queue("queue", opts=opts))
    expected = re.escape(
        "what does aws:sqs/queue:Queue cost (queue)? Expected it in PRICED, BY_USE or FREE of"
        " docs/costs.py"
    )
    with pytest.raises(ValueError, match=f"^{expected}$"):
        costs.lines(deployment)


def test_each_type_has_one_place() -> None:
    every = [*costs.PRICED, *costs.BY_USE, *costs.FREE]
    assert len(every) == len(set(every))


# --- what is counted ---


def test_a_host_is_its_type_its_disk_and_its_address() -> None:
    assert changed({"hosts": {"count": 5, "instanceType": "t4g.small", "rootVolumeGib": 20}}) == {
        ("ExporterNode", "EC2 t4g.nano"): (0, 0),
        ("ExporterNode", "EC2 t4g.small"): (5, 70.08),  # 5 x 0.0192 x 730
        ("ExporterNode", "EBS gp3: GB"): (100, 9.52),  # 100 x 0.0952
        ("ExporterNode", "public IPv4 address"): (5, 18.25),  # 5 x 0.005 x 730
    }


def test_a_nat_gateway_has_an_address_and_takes_those_of_the_others() -> None:
    assert changed({"network": {"natStrategy": "per-az"}}) == {
        ("MonitoringNetwork", "NAT gateway"): (2, 75.92),  # 2 x 0.052 x 730
        ("MonitoringNetwork", "public IPv4 address"): (2, 7.30),
        ("ExporterNode", "public IPv4 address"): (0, 0),
        ("PrometheusService", "public IPv4 address"): (0, 0),
    }


def test_a_task_is_its_size_on_its_architecture() -> None:
    sizes = {"cpuArchitecture": "X86_64", "taskCpu": 2048, "taskMemory": 4096, "storageGib": 120}
    assert changed({"prometheus": sizes}) == {
        ("PrometheusService", "Fargate, ARM64: vCPU"): (0, 0),
        ("PrometheusService", "Fargate, ARM64: GB of memory"): (0, 0),
        ("PrometheusService", "Fargate, X86_64: vCPU"): (2, 67.98),  # 2 x 0.04656 x 730
        ("PrometheusService", "Fargate, X86_64: GB of memory"): (4, 14.92),  # 4 x 0.00511 x 730
        ("PrometheusService", "Fargate: GB of storage above 20"): (100, 9.71),
    }


def test_a_volume_with_its_host_takes_the_place_of_the_task() -> None:
    private = {"network": {"natStrategy": "single"}}
    volume = {"kind": "ebs", "sizeGib": 100, "iops": 4000, "throughput": 225}
    before, after = (
        {
            what: n
            for (component, what), (n, _) in lines(deployment).items()
            if component == "PrometheusService"
        }
        for deployment in (evaluate(private), evaluate({**private, "storage": volume}))
    )
    assert {what for what in before if what.startswith("Fargate")}
    assert {what: n for what, n in after.items() if n != before.get(what)} == {
        "EC2 t4g.small": 1,
        "EBS gp3: GB": 130,  # and 30 of the root
        "EBS gp3: IOPS above 3000": 1000,
        "EBS gp3: MiB/s above 125": 100,
    }
    assert not [what for what in after if what.startswith("Fargate")]


def test_each_task_of_a_service_counts() -> None:
    deployment = evaluate()
    once = lines(deployment)
    service = deployment.one("ecs/service:Service")
    deployment.resources.remove(service)
    deployment.resources.append(service._replace(inputs={**service.inputs, "desiredCount": 3}))
    thrice = {what for what, (n, _) in lines(deployment).items() if n == 3 * once[what][0]}
    of_a_task = {(component, what) for component, what in once if component == "PrometheusService"}
    assert thrice == of_a_task - {("PrometheusService", "secret")}


def test_notifications_cost_a_key_and_an_alarm() -> None:
    assert changed({"notifications": {"emails": ["on-call@example.com"]}}) == {
        ("NotificationTopic", "KMS key"): (1, 1.00),
        ("ServiceWatch", "CloudWatch alarm"): (1, 0.10),
    }


def test_no_access_key_costs_no_secret() -> None:
    assert changed({"prometheus": {"credentials": "task-role"}}) == {
        ("PrometheusService", "secret"): (0, 0)
    }


def test_the_price_of_another_type_of_host_is_the_one_of_the_warning() -> None:
    assert changed({"hosts": {"count": 2, "instanceType": "m7g.xlarge"}}) == {
        ("ExporterNode", "EC2 t4g.nano"): (0, 0),
        ("ExporterNode", "EC2 m7g.xlarge (order of magnitude)"): (
            2,
            pytest.approx(2 * usd_a_month("m7g.xlarge")),
        ),
    }


@pytest.mark.parametrize(("internal", "addresses"), [(False, {2}), (True, set())])
def test_a_load_balancer_has_an_address_in_each_subnet_unless_it_is_internal(
    *, internal: bool, addresses: set[int]
) -> None:
    found = costs.lines(
        child(
            lambda opts: aws.lb.LoadBalancer(
                "lb",
                load_balancer_type="application",
                internal=internal,
                subnets=["subnet-1", "subnet-2"],
                opts=opts,
            )
        )
    )
    assert [line.usd for line in found if line.price is prices.LOAD_BALANCER] == [19.71]
    assert {line.quantity for line in found if line.price is prices.IPV4} == addresses


@pytest.mark.parametrize(
    ("register", "problem"),
    [
        (
            lambda opts: aws.lb.LoadBalancer("it", load_balancer_type="network", opts=opts),
            "no price for it, which is no application load balancer",
        ),
        (
            lambda opts: aws.ec2.VpcEndpoint(
                "it", vpc_id="v", service_name="s", vpc_endpoint_type="Interface", opts=opts
            ),
            "no price for it: only gateway endpoints are free",
        ),
    ],
)
def test_a_variety_without_a_price_is_refused(
    register: Callable[[pulumi.ResourceOptions], object], problem: str
) -> None:
    deployment = child(register)
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
        costs.lines(deployment)


# --- what the pages say ---


def test_every_sum_is_that_of_its_lines() -> None:
    stacks = {stack: evaluate(stack=stack) for stack in STACKS}
    page = costs.page(stacks)
    sections = re.split(r"^## `Pulumi\.(\w+)\.yaml`: USD (.+) a month$", page, flags=re.MULTILINE)
    assert sections[1::3] == STACKS
    for total, section in zip(sections[2::3], sections[3::3], strict=True):
        cells = re.findall(
            r"^\| \w+ \|.*\| (\d+\.\d\d) \|$", section.split("\n## ")[0], re.MULTILINE
        )
        assert f"{sum(map(float, cells)):.2f}" == total
        assert f"**{total}**" in section
        assert f"about USD {float(total):.0f} a month" in costs.summary(stacks)


def test_every_price_says_of_when_it_is_and_where_it_stands() -> None:
    rows = costs.page({}).split("## Prices assumed")[1]
    for price in prices.PRICES:
        (row,) = re.findall(
            rf"^\| \[{re.escape(price.what)}\]\((.+)\) \| (.+) \| (.+) \| (.+) \| (.*) \|$",
            rows,
            re.MULTILINE,
        )
        page, usd, usd_a_month, as_of, note = row
        assert page.startswith("https://aws.amazon.com/")
        assert float(usd.split()[0]) == price.usd
        assert usd.endswith(price.per)
        assert usd_a_month == f"{price.usd * (730 if price.per == 'hour' else 1):.2f}"
        assert re.fullmatch(r"20\d\d-\d\d(-\d\d)?", as_of)
        assert as_of <= prices.AS_OF
        assert note == price.note
