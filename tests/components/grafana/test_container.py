"""components.grafana.container: what reaches the image, and that the image reads it."""

import json
import re
from typing import Any

import pytest

from components import assets
from mocks.recording import Deployment
from tests.components.grafana.services import ALERTMANAGER, LOAD_BALANCER, OIDC, service
from tests.components.services import ARN
from tests.configuration.rendering import image_defaults

FOLDER = assets.image_context("grafana")
DOCKERFILE = (FOLDER / "Dockerfile").read_text(encoding="utf-8")

FEWEST = {
    "PROMETHEUS_URL": "http://prometheus.monitoring.internal:9090",
    "SCRAPE_INTERVAL": "15s",
    "RUNBOOK_BASE_URL": "docs/runbooks",
    "GF_SERVER_HTTP_PORT": "3000",
    "GF_SECURITY_COOKIE_SECURE": "false",
    "GF_AUTH_ANONYMOUS_ENABLED": "false",
}


def container(deployment: Deployment) -> dict[str, Any]:
    (found,) = json.loads(deployment.inputs("graf-task")["containerDefinitions"])
    assert isinstance(found, dict)
    return found


def environment(**args: Any) -> dict[str, str]:  # noqa: ANN401
    return {it["name"]: it["value"] for it in container(service(**args))["environment"]}


def secrets(**args: Any) -> dict[str, str]:  # noqa: ANN401
    return {it["name"]: it["valueFrom"] for it in container(service(**args))["secrets"]}


@pytest.mark.parametrize(
    ("args", "differs"),
    [
        ({}, {}),
        (
            {"prometheus_port": 9091, "port": 3001, "scrape_interval": "30s"},
            {
                "PROMETHEUS_URL": "http://prometheus.monitoring.internal:9091",
                "GF_SERVER_HTTP_PORT": "3001",
                "SCRAPE_INTERVAL": "30s",
            },
        ),
        (
            {"prometheus_replicas": 3, "prometheus_port": 9091},
            {
                "PROMETHEUS_URL": "http://prometheus.monitoring.internal:9091",
                "PROMETHEUS_1_URL": "http://prometheus-1.monitoring.internal:9091",
                "PROMETHEUS_2_URL": "http://prometheus-2.monitoring.internal:9091",
            },
        ),
        ({"runbook_base_url": "https://x.org/r"}, {"RUNBOOK_BASE_URL": "https://x.org/r"}),
        ({"anonymous_viewer": True}, {"GF_AUTH_ANONYMOUS_ENABLED": "true"}),
        (ALERTMANAGER, {"ALERTMANAGER_URL": "http://alertmanager.monitoring.internal:9093"}),
        (
            LOAD_BALANCER,
            {
                "GF_SERVER_ROOT_URL": "https://grafana.example.com/",
                "GF_SECURITY_COOKIE_SECURE": "true",
            },
        ),
        (
            OIDC,
            {
                "GF_AUTH_GENERIC_OAUTH_ENABLED": "true",
                "GF_AUTH_GENERIC_OAUTH_NAME": "OpenID Connect",
                "GF_AUTH_GENERIC_OAUTH_CLIENT_ID": "grafana",
                "GF_AUTH_GENERIC_OAUTH_SCOPES": "openid email profile",
                "GF_AUTH_GENERIC_OAUTH_AUTH_URL": "https://id.example.com/authorize",
                "GF_AUTH_GENERIC_OAUTH_TOKEN_URL": "https://id.example.com/token",
                "GF_AUTH_GENERIC_OAUTH_API_URL": "https://id.example.com/userinfo",
                "GF_AUTH_GENERIC_OAUTH_USE_PKCE": "true",
                "GF_AUTH_GENERIC_OAUTH_ALLOW_SIGN_UP": "true",
                "GF_AUTH_GENERIC_OAUTH_ROLE_ATTRIBUTE_PATH": "",
            },
        ),
    ],
)
def test_the_environment(args: dict[str, Any], differs: dict[str, str]) -> None:
    assert environment(**args) == FEWEST | differs


def test_roles_and_scopes_of_an_identity_provider() -> None:
    found = environment(**OIDC, oidc_scopes=["openid", "groups"], oidc_role_attribute_path="role")
    assert found["GF_AUTH_GENERIC_OAUTH_SCOPES"] == "openid groups"
    assert found["GF_AUTH_GENERIC_OAUTH_ROLE_ATTRIBUTE_PATH"] == "role"


def test_the_image_reads_every_variable_of_ours_and_has_the_same_defaults() -> None:
    text = (FOLDER / "entrypoint.sh").read_text(encoding="utf-8")
    files = "".join(file.read_text(encoding="utf-8") for file in FOLDER.rglob("*.yml"))
    ours = {name for name in environment(**ALERTMANAGER) if not name.startswith("GF_")}
    assert not [name for name in ours if name not in text and name not in files]
    defaults = image_defaults(FOLDER)
    # Whoever runs the image by itself has TLS before it, or says that there is none.
    differ = {"PROMETHEUS_URL", "GF_SECURITY_COOKIE_SECURE"}
    assert {name: defaults.get(name) for name in FEWEST if name not in differ} == {
        name: value for name, value in FEWEST.items() if name not in differ
    }


def test_user_volumes_health_and_port_are_those_of_the_image() -> None:
    found = container(service())
    assert re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE) == [found["user"]]
    (volumes,) = re.findall(r"^VOLUME (.+)$", DOCKERFILE, re.MULTILINE)
    mounted = [it["containerPath"] for it in found["mountPoints"]]
    assert json.loads(volumes) == mounted
    (health,) = re.findall(r"^    CMD (wget .+)$", DOCKERFILE, re.MULTILINE)
    command = health.replace('"', "").replace("${GF_SERVER_HTTP_PORT}", "3000")
    assert found["healthCheck"]["command"] == ["CMD", *command.split()]
    assert [it["containerPort"] for it in found["portMappings"]] == [3000]
    assert found["name"] == "grafana"


def test_secrets_are_secrets() -> None:
    password = secrets()["GF_SECURITY_ADMIN_PASSWORD"]
    assert re.fullmatch(rf"{ARN}:graf-admin-password-secret:::[0-9a-f]+", password)
    assert secrets(**OIDC) == {
        "GF_SECURITY_ADMIN_PASSWORD": password,
        "GF_AUTH_GENERIC_OAUTH_CLIENT_SECRET": OIDC["oidc_client_secret_arn"],
    }
