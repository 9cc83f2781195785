"""components.ingress: what it makes, for whom it opens, and what it refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pulumi_aws as aws
import pytest

from components.ingress.access_logs import only_log_delivery
from components.ingress.ingress import MAX_NAME_LENGTH
from components.ingress.servers import SERVERS
from mocks.evaluation import is_secret, without_secrets
from mocks.recording import Deployment, deploy, refuse
from tests.components.examples import INGRESS

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET = "the-client-secret"  # noqa: S105 - the recording's
OIDC = {key: value for key, value in INGRESS.fewest.items() if key.startswith("oidc")}
WITHOUT_OIDC: dict[str, Any] = dict.fromkeys(OIDC, "")
COGNITO = {key: it for key, it in INGRESS.instead.items() if key.startswith("cognito")}
ZONE = "aws:route53/getZone:getZone"


def make(invokes: Mapping[str, Any] | None = None, **args: Any) -> Deployment:  # noqa: ANN401
    return deploy(lambda: INGRESS.component("way-in", {**INGRESS.fewest, **args}), invokes=invokes)


def problems(invokes: Mapping[str, Any] | None = None, **args: Any) -> list[str]:  # noqa: ANN401
    def program() -> None:
        INGRESS.component("way-in", {**INGRESS.fewest, **args})

    if not invokes:
        return str(refuse(program)).splitlines()[1:]
    with pytest.raises(ValueError, match="cannot be made") as error:
        deploy(program, invokes=invokes)
    return str(error.value).splitlines()[1:]


@pytest.fixture(scope="module")
def fewest() -> Deployment:
    return make()


def rule_actions(deployment: Deployment, stem: str) -> list[dict[str, Any]]:
    found = deployment.inputs(f"way-in-{stem}-rule")["actions"]
    listed: list[dict[str, Any]] = found["value"] if is_secret(found) else found
    return listed


def actions(deployment: Deployment, stem: str) -> list[str]:
    return [action["type"] for action in rule_actions(deployment, stem)]


def test_a_login_is_before_what_has_none(fewest: Deployment) -> None:
    assert actions(fewest, "prometheus") == ["authenticate-oidc", "forward"]
    assert actions(fewest, "alertmanager") == ["authenticate-oidc", "forward"]
    assert actions(fewest, "grafana") == ["forward"]
    cognito = make(**WITHOUT_OIDC, **COGNITO)
    assert actions(cognito, "prometheus") == ["authenticate-cognito", "forward"]
    assert [call.token for call in cognito.calls if "secretsmanager" in call.token] == []


def test_the_client_secret_is_secret(fewest: Deployment) -> None:
    for stem in ("prometheus", "alertmanager"):
        rule = fewest.named(f"way-in-{stem}-rule")
        assert is_secret(rule.inputs["actions"])
        oidc = rule_actions(fewest, stem)[0]["authenticateOidc"]
        assert oidc["clientSecret"] == SECRET
        assert list(rule.options.additionalSecretOutputs) == ["actions"]
    everything = [without_secrets(r.inputs) for r in fewest.resources]
    assert SECRET not in json.dumps([everything, without_secrets(fewest.outputs)], default=str)


def test_a_target_group_is_known_when_its_rule_is_there(fewest: Deployment) -> None:
    """ECS refuses a target group that no load balancer uses."""
    (outputs,) = [it for urn, it in fewest.outputs.items() if urn.endswith("::way-in")]
    assert outputs["target_group_arns"].keys() == SERVERS.keys()
    assert outputs["urls"]["grafana"] == "https://grafana.monitoring.example.com"
    for stem in SERVERS:
        rule = fewest.inputs(f"way-in-{stem}-rule")
        assert rule["conditions"] == [
            {"hostHeader": {"values": [f"{stem}.monitoring.example.com"]}}
        ]
        forward = rule_actions(fewest, stem)[-1]
        assert forward["targetGroupArn"] == outputs["target_group_arns"][stem]


def test_a_browser_stays_with_one_task_only_where_tasks_differ(fewest: Deployment) -> None:
    sticky = make(sticky_servers=["prometheus"])
    changed = [it.name for it in fewest.resources if sticky.inputs(it.name) != it.inputs]
    assert changed == ["way-in-prometheus"]
    assert sticky.inputs("way-in-prometheus")["stickiness"] == {
        "type": "lb_cookie",
        "cookieDuration": 86400,
    }
    assert problems(servers=["grafana"], sticky_servers=["prometheus"]) == [
        "  - sticky_servers is ['prometheus']: expected some of servers: grafana"
    ]


def test_a_server_behind_the_load_balancer_waits_for_its_rule() -> None:
    def program() -> None:
        made: Any = INGRESS.component("way-in", INGRESS.fewest)
        aws.ssm.Parameter("consumer", type="String", value=made.target_groups["prometheus"])

    needs = deploy(program).needs("consumer")
    assert {"way-in-prometheus-rule", "way-in-prometheus", "way-in-https"} <= needs
    assert "way-in-grafana-rule" not in needs


def test_priorities_never_meet() -> None:
    assert len({server.priority for server in SERVERS.values()}) == len(SERVERS)


def opened(deployment: Deployment, direction: str) -> set[tuple[str, int]]:
    rules = deployment.of_type(f":SecurityGroup{direction}Rule")
    assert all(r.inputs["ipProtocol"] == "tcp" for r in rules)
    assert all(r.inputs["fromPort"] == r.inputs["toPort"] for r in rules)
    cidrs = {"cidrIpv4", "cidrIpv6"}
    assert all(len(cidrs & r.inputs.keys()) == 1 for r in rules)
    assert all((":" in r.inputs.get("cidrIpv4", "")) is False for r in rules)
    return {(r.inputs.get("cidrIpv4") or r.inputs["cidrIpv6"], r.inputs["toPort"]) for r in rules}


def host_names(deployment: Deployment) -> set[tuple[str, str]]:
    records = [r.inputs for r in deployment.of_type(":Record") if "aliases" in r.inputs]
    (target,) = {record["aliases"][0]["name"] for record in records}
    assert target == "way-in-balancer.elb.amazonaws.com"
    return {(record["name"].partition(".")[0], record["type"]) for record in records}


def test_only_named_networks_connect_and_only_to_the_login_does_it_connect(
    fewest: Deployment,
) -> None:
    assert opened(fewest, "Ingress") == {("203.0.113.7/32", 443), ("203.0.113.7/32", 80)}
    assert opened(fewest, "Egress") == {("0.0.0.0/0", 443)}


def test_the_world_connects_when_it_is_said() -> None:
    assert opened(make(cidrs=[], open_to_the_world=True), "Ingress") == {
        ("0.0.0.0/0", 443),
        ("0.0.0.0/0", 80),
    }


def test_people_come_by_ipv6_too(fewest: Deployment) -> None:
    dual = make(ipv6=True, cidrs=["203.0.113.7/32", "2001:db8::/32"])
    assert opened(dual, "Ingress") == opened(fewest, "Ingress") | {
        ("2001:db8::/32", 443),
        ("2001:db8::/32", 80),
    }
    assert dual.one(":LoadBalancer").inputs["ipAddressType"] == "dualstack"
    assert host_names(dual) == {(stem, kind) for stem in SERVERS for kind in ("A", "AAAA")}
    assert fewest.children("way-in") < dual.children("way-in")
    added = {name for _, name in dual.children("way-in") - fewest.children("way-in")}
    assert not [name for name in added if "::" in name]  # a URN's parts are separated so


def test_servers_and_identity_provider_are_reached_by_ipv4(fewest: Deployment) -> None:
    dual = make(ipv6=True, cidrs=["2001:db8::/32"])
    assert opened(dual, "Egress") == opened(fewest, "Egress") == {("0.0.0.0/0", 443)}
    assert not [r for r in dual.of_type(":TargetGroup") if "ipAddressType" in r.inputs]


def test_an_address_that_nobody_may_connect_to_is_not_there(fewest: Deployment) -> None:
    """Whose machine has IPv6 would try it first, and wait."""
    unused = make(ipv6=True)
    assert unused.one(":LoadBalancer").inputs == fewest.one(":LoadBalancer").inputs
    assert host_names(unused) == {(stem, "A") for stem in SERVERS}
    assert fewest.one(":LoadBalancer").inputs["ipAddressType"] == "ipv4"


def test_the_world_connects_by_ipv6_too() -> None:
    world = make(cidrs=[], open_to_the_world=True, ipv6=True)
    assert opened(world, "Ingress") == {
        (cidr, port) for cidr in ("0.0.0.0/0", "::/0") for port in (443, 80)
    }
    assert ("grafana", "AAAA") in host_names(world)


def test_without_a_login_the_load_balancer_is_private_and_connects_nowhere() -> None:
    nobody = make(**WITHOUT_OIDC, without_authentication=True, internal=True)
    assert actions(nobody, "prometheus") == ["forward"]
    assert opened(nobody, "Egress") == set()
    assert nobody.one(":LoadBalancer").inputs["internal"] is True
    assert [call.token for call in nobody.calls if "secretsmanager" in call.token] == []


def test_plain_http_is_redirected_and_other_host_names_are_answered(fewest: Deployment) -> None:
    (redirect,) = fewest.inputs("way-in-http")["defaultActions"]
    assert redirect["redirect"]["statusCode"] == "HTTP_301"
    https = fewest.inputs("way-in-https")
    assert https["sslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
    assert [it["type"] for it in https["defaultActions"]] == ["fixed-response"]
    assert https["defaultActions"][0]["fixedResponse"]["statusCode"] == "404"


def test_the_certificate_is_used_when_it_is_valid(fewest: Deployment) -> None:
    assert {"way-in-certificate-issued", "way-in-certificate-validation"} <= fewest.needs(
        "way-in-https"
    )
    assert fewest.inputs("way-in-certificate")["domainName"] == "*.monitoring.example.com"


def test_a_certificate_and_host_names_of_ones_own() -> None:
    arn = INGRESS.others["certificate_arn"]
    own = make(certificate_arn=arn, zone_id="")
    assert own.inputs("way-in-https")["certificateArn"] == arn
    kinds = {r.type for r in own.resources}
    assert not [kind for kind in kinds if kind.startswith(("aws:acm/", "aws:route53/"))]
    assert ZONE not in {call.token for call in own.calls}
    both = make(certificate_arn=arn)
    assert len(both.of_type(":Record")) == 3


def test_logs_are_allowed_before_they_are_written(fewest: Deployment) -> None:
    before = fewest.needs("way-in-balancer")
    assert {"way-in-access-logs-policy", "way-in-access-logs-encryption"} <= before
    assert "way-in-access-logs-private" in fewest.needs("way-in-access-logs-policy")


def test_only_log_delivery_writes_and_nobody_without_tls() -> None:
    delivery, plain = json.loads(only_log_delivery("arn:aws:s3:::logs", "123456789012"))[
        "Statement"
    ]
    assert delivery == {
        "Effect": "Allow",
        "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
        "Action": ["s3:PutObject"],
        "Resource": "arn:aws:s3:::logs/AWSLogs/123456789012/*",
    }
    assert (plain["Effect"], plain["Principal"], plain["Action"]) == ("Deny", "*", "s3:*")
    assert plain["Resource"] == ["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"]
    assert plain["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_one_load_balancer_goes_before_another_has_its_target_groups() -> None:
    (balancer,) = make().of_type(":LoadBalancer")
    assert balancer.options.deleteBeforeReplace is True


@pytest.mark.parametrize("protected", [True, False])
def test_what_is_protected_stops_a_destroy_before_it_begins(*, protected: bool) -> None:
    found = make(deletion_protection=protected, delete_access_logs_on_destroy=not protected)
    balancer = found.named("way-in-balancer")
    assert balancer.inputs["enableDeletionProtection"] is protected
    assert balancer.options.protect is protected
    bucket = found.named("way-in-access-logs")
    assert bucket.inputs["forceDestroy"] is not protected
    assert bucket.options.protect is protected


def test_names_fit_into_what_aws_takes() -> None:
    """Pulumi adds a hyphen and seven digits."""
    name = "a" * MAX_NAME_LENGTH
    found = deploy(lambda: INGRESS.component(name, INGRESS.fewest))
    named = [*found.of_type(":LoadBalancer"), *found.of_type(":TargetGroup")]
    assert max(len(r.name) for r in named) == 32 - 8
    error = str(refuse(lambda: INGRESS.component(f"{name}a", INGRESS.fewest)))
    assert "then up to 10 lowercase letters, digits or '-'" in error


def test_a_domain_outside_the_zone() -> None:
    assert problems(domain="monitoring.example.org") == [
        (
            "  - zone_id is 'Z0123456789ABCDEFGHIJ': it is the zone of example.com, and"
            " monitoring.example.org is outside it; expected the zone of monitoring.example.org or"
            " of a domain above it, or a domain below example.com"
        )
    ]
    (line,) = problems(domain="notexample.com")
    assert "it is the zone of example.com, and notexample.com is outside it" in line
    assert make(domain="example.com").resources


def test_a_zone_that_validates_nothing() -> None:
    private = {ZONE: {"name": "example.com", "privateZone": True}}
    (line,) = problems(private)
    assert "it is a private zone, where AWS's certificate authority cannot look" in line
    assert make(private, certificate_arn=INGRESS.others["certificate_arn"]).resources


def test_a_zone_that_is_not_there() -> None:
    def missing(_asked: Mapping[str, Any]) -> dict[str, Any]:
        raise LookupError("no such zone")

    (line,) = problems({ZONE: missing})
    assert "no such zone" in line
    assert line.endswith("expected the id of a hosted zone of this account")


BAD: list[tuple[dict[str, Any], list[str]]] = [
    ({"subnet_ids": ["subnet-1"]}, ["subnet_ids is ['subnet-1']: expected at least 2 subnets"]),
    ({"servers": ["loki"]}, ["servers is ['loki']: 'loki' is no server of ours: expected some of"]),
    (
        {"servers": ["grafana", "grafana"]},
        ["servers is ['grafana', 'grafana']: grafana is in the list more than once"],
    ),
    (
        {"open_to_the_world": True},
        ["cidrs is ['203.0.113.7/32']: the load balancer is open to the world anyway; expected no"],
    ),
    (
        {"cidrs": ["2001:db8::/32"]},
        ["cidrs is ['2001:db8::/32']: '2001:db8::/32' is about IPv6, which the VPC does not have;"],
    ),
    ({"cidrs": ["::/0"], "ipv6": True}, ["cidrs is ['::/0']: '::/0' is open to the world."]),
    (COGNITO, ["oidc_issuer is 'https://login.example.com': there is Cognito's user pool, too;"]),
    (
        {**WITHOUT_OIDC, "without_authentication": True},
        ["without_authentication is True: everybody could read everything and silence every"],
    ),
    (
        {
            **WITHOUT_OIDC,
            "without_authentication": True,
            "internal": True,
            "open_to_the_world": True,
            "cidrs": [],
        },
        ["without_authentication is True: everybody could read everything and silence every"],
    ),
    (
        {
            **WITHOUT_OIDC,
            "without_authentication": True,
            "internal": True,
            "oidc_client_id": "me",
            "cognito_domain": "ours",
        },
        [
            "oidc_client_id is 'me': it is OIDC's, and there is no issuer; expected both or none",
            "cognito_domain is 'ours': it is Cognito's, and there is no user pool; expected both",
        ],
    ),
    (
        {**WITHOUT_OIDC, "cidrs": [], "zone_id": "", "subnet_ids": ["subnet-1"]},
        [
            "subnet_ids is ['subnet-1']: expected at least 2 subnets",
            "zone_id is '': expected the id of the hosted zone that the domain is in",
            "cidrs is []: nobody could connect to the load balancer",
            "oidc_issuer is '': Prometheus and Alertmanager have no login of their own",
        ],
    ),
]


@pytest.mark.parametrize(("bad", "expected"), BAD, ids=[", ".join(bad) for bad, _ in BAD])
def test_all_that_is_wrong_is_told_and_nothing_registered(
    bad: dict[str, Any], expected: list[str]
) -> None:
    lines = problems(**bad)
    assert [line[: len(start) + 4] for line, start in zip(lines, expected, strict=True)] == [
        f"  - {start}" for start in expected
    ]
