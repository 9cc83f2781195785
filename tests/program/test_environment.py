"""The environment of Prometheus's container, from the settings to the image: its one assertion."""

import re

from blocks import BLOCKS
from components import assets
from mocks.recording import ACCOUNT, REGION
from tests.configuration.rendering import image_defaults
from tests.program.evaluate import evaluate, variables
from tests.unit.configurations import SERVICE

FOLDER = assets.image_context("prometheus")

FROM_SETTINGS = {
    "DISCOVERY_TAG_KEY": ("hosts", "discoveryTagKey", "team:monitor", "team:monitor"),
    "DISCOVERY_TAG_VALUE": ("hosts", "discoveryTagValue", "yes", "yes"),
    "NODE_EXPORTER_PORT": ("hosts", "nodeExporterPort", 9101, "9101"),
    "DISCOVERY_REFRESH_INTERVAL": ("prometheus", "discoveryRefreshInterval", "2m", "2m"),
    "SCRAPE_INTERVAL": ("prometheus", "scrapeInterval", "30s", "30s"),
    "RETENTION_TIME": ("prometheus", "retention", "90d", "90d"),
    "RETENTION_SIZE": ("prometheus", "storageGib", 100, "80GB"),
    "PROMETHEUS_PORT": ("prometheus", "port", 9091, "9091"),
    "SAMPLE_LIMIT": ("prometheus", "sampleLimit", 20_000, "20000"),
    "BODY_SIZE_LIMIT": ("prometheus", "bodySizeLimitMib", 20, "20MB"),
    "TARGET_LIMIT": ("prometheus", "targetLimit", 500, "500"),
    "RUNBOOK_BASE_URL": ("prometheus", "runbookBaseUrl", "https://x.org/r", "https://x.org/r"),
}
"""Variable -> the block and key that it comes from, another value than the default, as text."""

FROM_THE_STACK = {"AWS_REGION": REGION, "VPC_ID": "monitoring-vpc-id", "ENVIRONMENT": "staging"}
"""Variables that have no default: without them, the container stops."""

OF_ALERTMANAGER = {
    "ALERTMANAGER_DNS_NAME": "alertmanager.monitoring.internal",
    "ALERTMANAGER_PORT": "9193",
    "PROMETHEUS_NAME": "prometheus",
    "PROMETHEUS_DOMAIN": "monitoring.internal",
}
"""Variables that are there with another server only, such as Alertmanager on that port."""

_CLUSTER = f"arn:aws:mock:{REGION}:{ACCOUNT}:services-cluster"
OF_CLUSTERS = {"CADVISOR_PORT": "9102"}
"""Variable that is there with an ECS cluster that has hosts only, with cAdvisor on that port."""

MAPS = {
    "ECS_CLUSTER_MAP": f"{_CLUSTER}={_CLUSTER}",
    "CLUSTER_HOSTS_MAP": "services-cluster=services-host",
    "EXPECTED_TASKS_MAP": "shop=3",
}
"""Likewise: lists, each entry of which makes a line, or without which a file is left out."""

OF_ANOTHER_REPLICA = {"PROMETHEUS_REPLICA": "0"}
"""Variable that is there for each but the first, and its default."""

OF_LIVE_CONFIGURATION = {
    "CONFIGURATION_PORT": "9534",
    "ALERTMANAGER_CONFIGURATION_PORT": "9534",
    "PROMETHEUS_CONFIGURATION_PORT": "9534",
}
"""Variables that are there only if configuration is delivered live, on that port."""

OF_THE_IMAGE = {
    "PROMETHEUS_LISTEN_HOST": "0.0.0.0",  # noqa: S104 - inside a container
    "PROMETHEUS_CONFIG_DIR": "/etc/prometheus",
    "PROMETHEUS_RENDERED_DIR": "/run/prometheus",
    "PROMETHEUS_DATA_DIR": "/prometheus",
}
"""Variables of the Dockerfile that ECS leaves as they are."""


def placeholders() -> set[str]:
    """Variables that the configuration's files name outside comments."""
    lines = [
        line
        for file in FOLDER.rglob("*.yml")
        for line in file.read_text(encoding="utf-8").splitlines()
        if not line.lstrip().startswith("#")
    ]
    return set(re.findall(r"\$\{([A-Z][A-Z0-9_]*)\}", "\n".join(lines)))


def lists() -> set[str]:
    """Variables that the configuration's files make lines of, or need to be there at all."""
    texts = [file.read_text(encoding="utf-8") for file in FOLDER.rglob("*.yml")]
    found = re.findall(
        r"^ *# (?:each|needs:) ([A-Z][A-Z0-9_]*_MAP)\b", "\n".join(texts), re.MULTILINE
    )
    return set(found)


def needed_by_the_entrypoint() -> set[str]:
    """Variables that the entrypoint insists on, whatever the configuration names."""
    text = (FOLDER / "entrypoint.sh").read_text(encoding="utf-8").replace("\\\n", " ")
    (names,) = re.findall(r"^needed\(\) \{\n *\{\n *printf '%s\\n' ([A-Z_ ]+)$", text, re.MULTILINE)
    return set(names.split())


def test_a_setting_its_variable_its_placeholder_and_its_default_are_one() -> None:
    # What is set reaches the container, all of it and nothing else ...
    changes: dict[str, dict[str, object]] = {"hosts": {}, "prometheus": {}}
    changes["alertmanager"] = {"port": 9193}
    changes["configuration"] = {"delivery": "live", "port": 9534}
    changes["network"] = {"natStrategy": "single"}
    changes["cluster"] = {"cadvisorPort": 9102}
    changes["services"] = {"shop": {**SERVICE, "desiredCount": 3}}
    for block, key, value, _ in FROM_SETTINGS.values():
        assert BLOCKS[block].knobs[key].default != value
        changes[block][key] = value
    given = variables(evaluate({"environment": "staging", **changes}))
    others = FROM_THE_STACK | OF_ALERTMANAGER | OF_LIVE_CONFIGURATION | OF_CLUSTERS
    assert given == others | MAPS | {name: text for name, (*_, text) in FROM_SETTINGS.items()}

    # ... where the configuration or the entrypoint needs each variable, and no other ...
    of_image = OF_THE_IMAGE | OF_ANOTHER_REPLICA
    of_all = given.keys() - MAPS.keys() | of_image.keys()
    assert lists() == MAPS.keys()
    assert placeholders() | needed_by_the_entrypoint() == of_all
    assert others.keys() <= placeholders() <= of_all

    # ... and whoever runs the image by itself gets the defaults that the components declare.
    declared = variables(evaluate())
    of_others = OF_ALERTMANAGER | OF_LIVE_CONFIGURATION | OF_CLUSTERS | MAPS
    assert not of_others.keys() & declared.keys()
    assert image_defaults() == of_image | {name: declared[name] for name in FROM_SETTINGS}
