"""The load balancer in an emulated account, by Pulumi's own engine."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.pulumi.inventory import inventory
from tests.pulumi.stack import Run, Stack, copy_program, new_emulator, new_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "the-secret-of-the-client"  # noqa: S105 - what the tests look for
DOMAIN = "monitoring.example.com"
SERVERS = ("prometheus", "alertmanager", "grafana")
CLOSED = {
    "hosts.count": 0,
    "alertmanager.replicas": 1,
    **{f"{server}.deleteImagesOnDestroy": True for server in SERVERS},
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("ingress")
    program = copy_program(directory)
    with new_emulator() as emulator, new_stack(emulator, directory, program=program) as made:
        yield made


@pytest.fixture(scope="module")
def zone(stack: Stack) -> str:
    made = stack.emulator.client("route53").create_hosted_zone(
        Name="example.com", CallerReference="tests"
    )
    return str(made["HostedZone"]["Id"].rpartition("/")[2])


@pytest.fixture(scope="module")
def settings(stack: Stack, zone: str) -> dict[str, Any]:
    secret = stack.emulator.client("secretsmanager").create_secret(
        Name="prometheus-login", SecretString=SECRET
    )
    login = "https://login.example.com"
    return {
        "domain": DOMAIN,
        "zoneId": zone,
        "cidrs": ["203.0.113.7/32"],
        "oidcIssuer": login,
        "oidcAuthorizationEndpoint": f"{login}/authorize",
        "oidcTokenEndpoint": f"{login}/token",
        "oidcUserInfoEndpoint": f"{login}/userinfo",
        "oidcClientId": "monitoring",
        "oidcClientSecretArn": secret["ARN"],
        "deleteAccessLogsOnDestroy": True,
    }


@pytest.fixture(scope="module")
def before(stack: Stack, settings: dict[str, Any]) -> dict[str, set[str]]:
    """What there is without a load balancer, but with the user's zone and secret."""
    assert settings
    stack.up(CLOSED)
    return inventory(stack.emulator)


@pytest.fixture(scope="module", autouse=True)
def made(stack: Stack, settings: dict[str, Any], before: dict[str, set[str]]) -> Run:
    assert before["load balancer"] == set()
    return stack.up({f"ingress.{key}": value for key, value in settings.items()})


def elb(stack: Stack) -> Any:  # noqa: ANN401 - boto3's client
    return stack.emulator.client("elbv2")


def balancer(stack: Stack) -> dict[str, Any]:
    found: list[dict[str, Any]] = elb(stack).describe_load_balancers()["LoadBalancers"]
    (one,) = found
    return one


def listeners(stack: Stack) -> dict[int, dict[str, Any]]:
    arn = balancer(stack)["LoadBalancerArn"]
    found = elb(stack).describe_listeners(LoadBalancerArn=arn)["Listeners"]
    return {listener["Port"]: listener for listener in found}


def rules(stack: Stack) -> dict[str, dict[str, Any]]:
    """Host name -> the rule that has it as its only condition."""
    arn = listeners(stack)[443]["ListenerArn"]
    found = elb(stack).describe_rules(ListenerArn=arn)["Rules"]
    by_host = {}
    for rule in [it for it in found if not it["IsDefault"]]:
        (condition,) = rule["Conditions"]
        (host,) = condition["HostHeaderConfig"]["Values"]
        by_host[host] = rule
    assert len(by_host) == len(found) - 1
    return by_host


def behind(stack: Stack) -> dict[str, tuple[str, int]]:
    """ARN of a target group -> the container that ECS registers there, and its port."""
    ecs = stack.emulator.client("ecs")
    services = [
        service
        for cluster in ecs.list_clusters()["clusterArns"]
        for service in ecs.describe_services(
            cluster=cluster, services=ecs.list_services(cluster=cluster)["serviceArns"]
        )["services"]
    ]
    found = [it for service in services for it in service["loadBalancers"]]
    assert len(found) == len(services)
    return {it["targetGroupArn"]: (it["containerName"], it["containerPort"]) for it in found}


def ports(stack: Stack) -> dict[str, int]:
    """Server -> its port; Prometheus's is another one in every sandbox."""
    prometheus = int(stack.workspace.outputs()["prometheus_port"])
    return {"prometheus": prometheus, "alertmanager": 9093, "grafana": 3000}


def security_group(stack: Stack) -> dict[str, Any]:
    groups = balancer(stack)["SecurityGroups"]
    (found,) = stack.emulator.client("ec2").describe_security_groups(GroupIds=groups)[
        "SecurityGroups"
    ]
    assert isinstance(found, dict)
    return found


def bucket(stack: Stack) -> str:
    (name,) = inventory(stack.emulator)["bucket"]
    return name


def test_the_load_balancer_is_made_and_the_servers_are_put_behind_it(made: Run) -> None:
    others = [step for step in made.steps if not step[1].startswith("ingress")]
    assert {operation for operation, _ in {*made.steps} - {*others}} == {"create"}
    # Each server's task is replaced: it is told where its links lead.
    assert sorted(others) == sorted(
        [
            step
            for server in SERVERS
            for step in (
                ("create", f"{server}-load-balancer-egress"),
                ("create", f"{server}-load-balancer-ingress"),
                ("create-replacement", f"{server}-task"),
                ("delete-replaced", f"{server}-task"),
                ("replace", f"{server}-task"),
                ("update", f"{server}-service"),
            )
        ]
        # It has its login at the identity provider itself, and reads the client secret.
        + [("update", "grafana-execution-role-policy")]
    )


def test_nothing_changes_when_nothing_is_changed(stack: Stack) -> None:
    run = stack.preview("--refresh")
    assert run.refreshed == []
    assert run.steps == []


def test_the_load_balancer_as_aws_has_it(stack: Stack) -> None:
    found = balancer(stack)
    assert (found["Scheme"], found["Type"]) == ("internet-facing", "application")
    assert len(found["AvailabilityZones"]) == 2
    attributes = elb(stack).describe_load_balancer_attributes(
        LoadBalancerArn=found["LoadBalancerArn"]
    )["Attributes"]
    assert {
        "access_logs.s3.enabled": "true",
        "access_logs.s3.bucket": bucket(stack),
        "routing.http.drop_invalid_header_fields.enabled": "true",
        "idle_timeout.timeout_seconds": "150",
        "deletion_protection.enabled": "false",
    }.items() <= {it["Key"]: it["Value"] for it in attributes}.items()


def test_only_the_named_network_reaches_it(stack: Stack) -> None:
    found = security_group(stack)
    ingress = {
        (rule["FromPort"], *(it["CidrIp"] for it in rule["IpRanges"]))
        for rule in found["IpPermissions"]
    }
    assert ingress == {(443, "203.0.113.7/32"), (80, "203.0.113.7/32")}


def test_it_reaches_the_servers_ports_and_the_identity_provider_and_nothing_else(
    stack: Stack,
) -> None:
    found = security_group(stack)
    names = {
        it["GroupId"]: it["GroupName"]
        for it in stack.emulator.client("ec2").describe_security_groups()["SecurityGroups"]
    }
    reached = {
        (rule["IpProtocol"], rule["FromPort"], rule["ToPort"], whom)
        for rule in found["IpPermissionsEgress"]
        for whom in [
            *(names[it["GroupId"]].partition("-")[0] for it in rule["UserIdGroupPairs"]),
            *(it["CidrIp"] for it in rule["IpRanges"]),
            *(it["CidrIpv6"] for it in rule["Ipv6Ranges"]),
        ]
    }
    assert reached == {
        ("tcp", 443, 443, "0.0.0.0/0"),
        *(("tcp", port, port, server) for server, port in ports(stack).items()),
    }


def test_the_listeners_redirect_or_have_the_certificate(stack: Stack) -> None:
    found = listeners(stack)
    assert found.keys() == {80, 443}
    (redirect,) = found[80]["DefaultActions"]
    assert redirect["Type"] == "redirect"
    assert redirect["RedirectConfig"]["Protocol"] == "HTTPS"
    assert redirect["RedirectConfig"]["StatusCode"] == "HTTP_301"
    assert found[443]["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
    (default,) = found[443]["DefaultActions"]
    assert default["FixedResponseConfig"]["StatusCode"] == "404"
    (used,) = found[443]["Certificates"]
    certificate = stack.emulator.client("acm").describe_certificate(**used)["Certificate"]
    assert certificate["DomainName"] == "*.monitoring.example.com"
    assert certificate["Status"] == "ISSUED"


def test_each_host_name_leads_to_its_server_after_a_login_except_to_grafana(stack: Stack) -> None:
    servers = behind(stack)
    found = {}
    for host, rule in rules(stack).items():
        in_order = sorted(rule["Actions"], key=lambda it: it["Order"])
        found[host] = (
            int(rule["Priority"]),
            [action["Type"] for action in in_order],
            servers[in_order[-1]["TargetGroupArn"]],
        )
    login = ["authenticate-oidc", "forward"]
    port = ports(stack)
    assert found == {
        f"prometheus.{DOMAIN}": (10, login, ("prometheus", port["prometheus"])),
        f"alertmanager.{DOMAIN}": (20, login, ("alertmanager", port["alertmanager"])),
        f"grafana.{DOMAIN}": (30, ["forward"], ("grafana", port["grafana"])),
    }


@pytest.mark.parametrize("server", ["prometheus", "alertmanager"])
def test_the_login_is_at_the_identity_provider(stack: Stack, server: str) -> None:
    login, _ = rules(stack)[f"{server}.{DOMAIN}"]["Actions"]
    oidc = login["AuthenticateOidcConfig"]
    assert oidc["ClientSecret"] == SECRET  # AWS does not tell it
    assert oidc["Issuer"] == "https://login.example.com"
    assert oidc["SessionTimeout"] == 43200


@pytest.mark.parametrize(
    ("server", "path"),
    [
        ("prometheus", "/-/healthy"),
        ("alertmanager", "/-/healthy"),
        ("grafana", "/api/health"),
    ],
)
def test_a_target_group_asks_whether_its_server_is_alive(
    stack: Stack, server: str, path: str
) -> None:
    forward = rules(stack)[f"{server}.{DOMAIN}"]["Actions"][-1]
    (group,) = elb(stack).describe_target_groups(TargetGroupArns=[forward["TargetGroupArn"]])[
        "TargetGroups"
    ]
    assert (group["TargetType"], group["Protocol"]) == ("ip", "HTTP")
    assert group["HealthCheckPath"] == path
    assert group["HealthCheckIntervalSeconds"] * group["UnhealthyThresholdCount"] == 300


def test_the_host_names_lead_to_it_and_the_certificate_is_validated(
    stack: Stack, zone: str
) -> None:
    listed = stack.emulator.client("route53").list_resource_record_sets(HostedZoneId=zone)
    aliases = {
        (it["Name"], it["Type"]): it["AliasTarget"]["DNSName"].rstrip(".")
        for it in listed["ResourceRecordSets"]
        if "AliasTarget" in it
    }
    name = balancer(stack)["DNSName"]
    assert aliases == {(f"{server}.{DOMAIN}.", "A"): name for server in SERVERS}
    (validation,) = [it["Name"] for it in listed["ResourceRecordSets"] if it["Type"] == "CNAME"]
    assert validation.endswith(f".{DOMAIN}.")


def test_the_logs_are_private_and_expire(stack: Stack) -> None:
    s3, name = stack.emulator.client("s3"), bucket(stack)
    blocked = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    assert set(blocked.values()) == {True}
    assert len(blocked) == 4
    allowed, denied = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])["Statement"]
    assert allowed["Principal"] == {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}
    assert allowed["Resource"] == f"arn:aws:s3:::{name}/AWSLogs/{stack.emulator.account_id}/*"
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    (expiry,) = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    assert expiry["Expiration"] == {"Days": 90}
    encryption = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]
    (default,) = [it["ApplyServerSideEncryptionByDefault"] for it in encryption["Rules"]]
    assert default == {"SSEAlgorithm": "AES256"}


def test_the_client_secret_is_not_in_the_state_or_said(stack: Stack) -> None:
    written = stack.workspace.state_file.read_text(encoding="utf-8")
    for text in (written, "\n".join(stack.said)):
        assert f"prometheus.{DOMAIN}" in text
        assert SECRET not in text
        assert base64.b64encode(SECRET.encode()).decode() not in text


def test_a_domain_outside_the_zone_is_refused_before_anything_changes(stack: Stack) -> None:
    before = inventory(stack.emulator)
    refused = stack.run("up", "--yes", "--skip-preview", changes={"ingress.domain": "example.org"})
    stack.configure({"ingress.domain": DOMAIN})
    assert refused.code != 0
    assert "it is the zone of example.com, and example.org is outside it" in refused.problems
    assert refused.steps == []
    assert inventory(stack.emulator) == before


def test_another_login_and_another_network_change_it_in_place(stack: Stack) -> None:
    pool = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_AbCdEf"
    oidc = [key for key in stack_block(stack) if key.startswith("oidc")]
    run = stack.up(
        {
            **{f"ingress.{key}": "" for key in oidc},
            "ingress.cognitoUserPoolArn": pool,
            "ingress.cognitoClientId": "monitoring",
            "ingress.cognitoDomain": "ours",
            "ingress.cidrs": ["198.51.100.0/24"],
            "ingress.accessLogRetentionDays": 30,
        }
    )
    for server in ("prometheus", "alertmanager"):
        assert ("update", f"ingress-{server}-rule") in run.steps
    assert ("update", "ingress-grafana-rule") not in run.steps
    assert ("update", "ingress-access-logs-expiry") in run.steps
    groups = "ingress-security-group-"
    # Grafana has its login at an OIDC provider, but not at Cognito.
    assert {name for step, name in run.steps if step != "update" and groups not in name} == {
        "grafana-task"
    }
    found = rules(stack)
    for server in ("prometheus", "alertmanager"):
        login, _ = found[f"{server}.{DOMAIN}"]["Actions"]
        assert login["Type"] == "authenticate-cognito"
        assert login["AuthenticateCognitoConfig"]["UserPoolArn"] == pool
    assert [it["Type"] for it in found[f"grafana.{DOMAIN}"]["Actions"]] == ["forward"]
    assert stack.preview("--refresh").steps == []


def stack_block(stack: Stack) -> dict[str, Any]:
    text = stack.workspace.stack_file.read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)["config"]["prometheus-aws:ingress"]
    return found


def test_logs_and_a_protected_load_balancer_are_kept_until_the_user_lets_go(stack: Stack) -> None:
    protecting = {"ingress.deletionProtection": True, "ingress.deleteAccessLogsOnDestroy": False}
    stack.up(protecting)
    before = inventory(stack.emulator)
    refused = stack.run("destroy", "--yes")  # as a user does: with its preview
    assert refused.code != 0
    assert "ingress-access-logs" in refused.problems or "ingress-balancer" in refused.problems
    assert inventory(stack.emulator) == before
    stack.up(dict.fromkeys(protecting, False) | {"ingress.deleteAccessLogsOnDestroy": True})


def test_destroy_leaves_only_what_is_the_users(stack: Stack) -> None:
    logs = stack.emulator.client("s3")
    logs.delete_bucket_policy(Bucket=bucket(stack))  # it refuses what comes without TLS
    logs.put_object(Bucket=bucket(stack), Key="AWSLogs/123456789012/first", Body=b"")
    stack.destroy()
    after = inventory(stack.emulator)
    assert {
        kind for kind in ("load balancer", "target group", "certificate", "bucket") if after[kind]
    } == set()
    assert {record.split()[1] for record in after["record"]} == {"NS", "SOA"}
