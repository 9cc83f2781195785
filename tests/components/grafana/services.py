"""What the tests of Grafana's service look at."""

from typing import Any

from mocks.recording import Deployment, deploy
from tests.components.examples import GRAFANA

ALERTMANAGER = {
    key: GRAFANA.others[key] for key in ("alertmanager_dns_name", "alertmanager_security_group_id")
}
LOAD_BALANCER = {
    key: GRAFANA.others[key]
    for key in ("target_group_arn", "load_balancer_security_group_id", "public_url")
}
OIDC = {
    key: GRAFANA.others[key]
    for key in (
        "oidc_client_id",
        "oidc_client_secret_arn",
        "oidc_authorization_endpoint",
        "oidc_token_endpoint",
        "oidc_user_info_endpoint",
    )
}


def service(**args: Any) -> Deployment:  # noqa: ANN401
    return deploy(lambda: GRAFANA.component("graf", {**GRAFANA.fewest, **args}))
