"""What is particular to Alertmanager's container."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pulumi

from components.alertmanager.configuration import (
    SECRETS,
    Routing,
    configuration,
    secret_variables,
)
from components.alertmanager.routes import read_routes
from components.alertmanager.rules import CLUSTER_PORT
from components.configuration.delivery import is_live, live_variables
from components.containers.definition import NOBODY, Container, SecretValue
from components.values import is_given

if TYPE_CHECKING:
    from components.alertmanager.alertmanager_service import AlertmanagerServiceArgs
    from components.configuration.args import ConfiguredServerArgs
    from components.containers.image import ServerImage

HEALTH_PATH = "/-/healthy"
"""Answers 200 when Alertmanager is alive."""

OPEN_FILES = 4096
"""Connections from Prometheus, other Alertmanagers, and to whoever is notified."""


def routing(args: AlertmanagerServiceArgs, topic_arn: str = "", region: str = "") -> Routing:
    """Say who is told of what.

    Args:
        args: the component's arguments, resolved.
        topic_arn: of the SNS topic, once it is known.
        region: AWS region, likewise.
    """
    return Routing(
        page_with=args["page_with"],
        notify_with=args["notify_with"],
        watchdog=bool(args["watchdog_url_secret_arn"]),
        topic_arn=topic_arn,
        region=region,
        group_wait=args["group_wait"],
        group_interval=args["group_interval"],
        repeat_interval=args["repeat_interval"],
        notify_days=args["notify_days"],
        notify_hours=args["notify_hours"],
        time_zone=args["time_zone"],
    )


def composed(
    args: AlertmanagerServiceArgs, region: pulumi.Input[str], *, own_routes: bool
) -> pulumi.Output[str]:
    """Compose Alertmanager's configuration, as JSON.

    Args:
        args: the component's arguments, resolved.
        region: AWS region.
        own_routes: with those of the user's own?
    """
    own = None
    if args["routes_file"] and own_routes:
        text = Path(args["routes_file"]).read_text(encoding="utf-8")
        own = read_routes(text, routing(args).receivers)
    return pulumi.Output.all(args["topic_arn"], region).apply(
        lambda known: json.dumps(configuration(routing(args, *known), own))
    )


def alertmanager_container(
    args: AlertmanagerServiceArgs,
    image: ServerImage,
    region: pulumi.Input[str],
    peer: pulumi.Input[str],
    cluster_label: pulumi.Input[str],
) -> Container:
    """Describe the container.

    Args:
        args: the component's arguments, resolved.
        image: of Alertmanager.
        region: AWS region.
        peer: name by which the Alertmanagers find each other.
        cluster_label: what no other cluster of Alertmanagers has: one that gets a used address must
            not be taken for a member.
    """
    server = cast("ConfiguredServerArgs", args)
    environment: dict[str, pulumi.Input[str]] = {
        # Of what is delivered while it runs, this is the first version, which tells people, too:
        # without the routes of the user's own, another route is no other task.
        "ALERTMANAGER_CONFIG": composed(args, region, own_routes=not is_live(server)),
        **live_variables(server),
        "ALERTMANAGER_PORT": str(args["port"]),
        "ALERTMANAGER_CLUSTER_PORT": str(CLUSTER_PORT),
    }
    if args["replicas"] > 1:
        environment["ALERTMANAGER_PEER"] = peer
        environment["ALERTMANAGER_CLUSTER_LABEL"] = cluster_label
    if is_given(args["external_url"]):
        environment["ALERTMANAGER_EXTERNAL_URL"] = args["external_url"]
    if is_given(args["grafana_url"]):
        environment["GRAFANA_URL"] = args["grafana_url"]
    arns: dict[str, str] = {
        name: args[f"{secret}_secret_arn"]  # type: ignore[literal-required] # the keys of SECRETS
        for name, secret in SECRETS.items()
    }
    return Container(
        name="alertmanager",
        image=image,
        user=NOBODY,
        environment=environment,
        secrets={
            variable: SecretValue(arns[name])
            for name, variable in secret_variables(routing(args)).items()
        },
        # Whatever has a network interface of its own needs no mapping for UDP.
        ports=[args["port"], CLUSTER_PORT],
        # Silences and the notification log; the configuration with the secrets' files.
        volumes={"data": "/alertmanager", "rendered": "/run/alertmanager"},
        health_path=HEALTH_PATH,
        open_files=OPEN_FILES,
    )
