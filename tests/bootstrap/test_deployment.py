"""A deployment of the full stack calls nothing that its role may not.

tests/pulumi/test_bootstrap.py has the life of a smaller one, by Pulumi's own CLI.
"""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING, Any

from sandbox import resources
from sandbox.configuration import handed_over
from sandbox.deploy import deploy
from tests.bootstrap.account import prepared
from tests.bootstrap.recorder import Recorder
from tests.pulumi.stack import config

if TYPE_CHECKING:
    from sandbox.emulator import Emulator

LOGIN = "https://login.example.com"


def _ingress(emulator: Emulator) -> dict[str, Any]:
    """Settings of a load balancer, with the zone and the client secret that a user has."""
    zone = emulator.client("route53").create_hosted_zone(Name="example.com", CallerReference="1")
    secret = emulator.client("secretsmanager").create_secret(
        Name="prometheus-login", SecretString="a secret"
    )
    return {
        "domain": "monitoring.example.com",
        "zoneId": zone["HostedZone"]["Id"].rpartition("/")[2],
        "cidrs": ["203.0.113.7/32"],
        "oidcIssuer": LOGIN,
        "oidcAuthorizationEndpoint": f"{LOGIN}/authorize",
        "oidcTokenEndpoint": f"{LOGIN}/token",
        "oidcUserInfoEndpoint": f"{LOGIN}/userinfo",
        "oidcClientId": "monitoring",
        "oidcClientSecretArn": secret["ARN"],
    }


def test_a_deployment_may_make_the_full_stack() -> None:
    with prepared() as account:
        settings = {
            **config("prod"),
            **account.emulator.config,
            "prometheus-aws:ingress": _ingress(account.emulator),
        }
        recorder = Recorder(account)
        with recorder.recording():
            contextvars.copy_context().run(
                deploy,
                resources.Account(account.emulator),
                "prod",
                handed_over(settings),
                lambda _count: None,
            )
        calls = set(recorder.calls)
        assert {call.action for call in calls} >= {
            *("iam:PassRole", "kms:CreateKey", "sns:Subscribe", "events:PutTargets"),
            *("cloudwatch:PutMetricAlarm", "servicediscovery:CreateService"),
            *("elasticloadbalancing:CreateRule", "route53:ChangeResourceRecordSets"),
            *("acm:RequestCertificate", "s3:PutEncryptionConfiguration"),
        }
        assert recorder.denied("Deploy", calls) == set()
        assert recorder.denied("Drift", calls) >= {it for it in calls if ":Create" in it.action}
