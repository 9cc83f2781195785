"""Rules for Alertmanager's arguments."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from components.alertmanager import overlay as templates
from components.alertmanager.configuration import INTEGRATIONS, SECRETS, Routing
from components.alertmanager.routes import check_routes
from components.configuration.tree import every_overlay
from components.values import is_given

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

CLUSTER_PORT = 9094
"""Where Alertmanagers talk to each other, by TCP and UDP: their default."""

_SECRET_ARN = re.compile(
    r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+-[A-Za-z0-9]{6}", re.ASCII
)


def secret_arn(value: str) -> None:
    """Check the whole ARN of a secret; empty: there is none.

    Raises:
        ValueError: with what is expected.
    """
    if value and not _SECRET_ARN.fullmatch(value):
        raise ValueError(
            "expected the whole ARN of a secret in Secrets Manager, such as"
            " arn:aws:secretsmanager:eu-central-1:123456789012:secret:slack-AbCdEf"
        )


def integrations(value: Sequence[str]) -> None:
    """Check ways to tell people: known ones, each once.

    Raises:
        ValueError: with what is expected.
    """
    if not set(value) <= set(INTEGRATIONS) or len(set(value)) < len(value):
        raise ValueError(f"expected some of {', '.join(INTEGRATIONS)}, each once")


def secrets_given(value: Sequence[str], *arns: str) -> None:
    """Check that each way to tell people has its secret.

    Args:
        value: some of `INTEGRATIONS`.
        arns: of the secrets, in the order of `SECRET_KEYS`.

    Raises:
        ValueError: with those that have none.
    """
    given = dict(zip(SECRETS, arns, strict=True))
    missing = [name for name in value if name in given and not given[name]]
    if missing:
        raise ValueError(
            "; ".join(
                f"{name} needs the ARN of the secret with the {SECRETS[name].replace('_', ' ')}"
                for name in missing
            )
        )


def topic_given(value: Sequence[str], topic_arn: pulumi.Input[str]) -> None:
    """Check that there is a topic for SNS.

    Raises:
        ValueError: there is none.
    """
    if "sns" in value and not is_given(topic_arn):
        raise ValueError("sns needs the ARN of a topic")


PEER_TIMEOUT_S = 15
"""How long an Alertmanager waits for each one before it to tell people: `--cluster.peer-timeout`.

Source: https://github.com/prometheus/alertmanager/blob/main/cmd/alertmanager/main.go
"""

SECRET_KEYS = tuple(f"{secret}_secret_arn" for secret in SECRETS.values())
"""The arguments that name secrets."""


def not_the_cluster_port(value: int) -> None:
    """Check that Alertmanager's port is not the one between Alertmanagers.

    Raises:
        ValueError: it is.
    """
    if value == CLUSTER_PORT:
        raise ValueError("Alertmanagers talk to each other on this port; expected another one")


def overlay(path: str) -> None:
    """Check a folder of the user's own templates, with amtool if it is on PATH; empty: none.

    Raises:
        ValueError: with what is wrong, and what is expected.
    """
    if path:
        templates.check([Path(path)], templates.amtool_on_path())


def overlays(paths: Sequence[str], own: str) -> None:
    """Check further folders together with the user's own, as `overlay` does.

    Raises:
        ValueError: with what is wrong, and what is expected.
    """
    if paths:
        templates.check(every_overlay(paths, own), templates.amtool_on_path())


def routes_file(
    value: str,
    page_with: Sequence[str],
    notify_with: Sequence[str],
    watchdog_url_secret_arn: str,
    notify_days: str,
    notify_hours: str,
) -> None:
    """Check the user's own file of routes; empty: there is none. With amtool, if it is on PATH.

    Raises:
        ValueError: with what is wrong, and what is expected.
    """
    if not value:
        return
    if not Path(value).is_file():
        raise ValueError("there is no such file; expected a path from the project's folder")
    routing = Routing(
        page_with=page_with,
        notify_with=notify_with,
        watchdog=bool(watchdog_url_secret_arn),
        notify_days=notify_days,
        notify_hours=notify_hours,
    )
    text = Path(value).read_text(encoding="utf-8")
    check_routes(text, routing, templates.amtool_on_path())
