"""A real Alertmanager with the composed configuration: who is told what, on loopback."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from components.alertmanager.configuration import Routing, configuration, secret_variables
from sandbox.addresses import free_port
from sandbox.binaries import ensure
from tests.configuration.rendering import image_defaults
from tests.configuration.test_alertmanager_entrypoint import SOURCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

TIMEOUT = 60.0  # seconds
REGION = "eu-west-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def alert(name: str, severity: str, **labels: str) -> dict[str, Any]:
    place = {"environment": "prod", "region": REGION}
    return {
        "labels": {"alertname": name, "severity": severity, **place, **labels},
        "annotations": {
            "summary": f"{name} is {severity}.",
            "runbook_url": "https://example.com/a",
        },
    }


CRITICAL = alert("Memory", "critical", job="node", instance="web-1")
ALERTS = {
    "critical": CRITICAL,
    "the same, as a warning": alert("Memory", "warning", job="node", instance="web-1"),
    "the same elsewhere": alert("Memory", "warning", job="node", instance="web-3"),
    "host down": alert("NodeDown", "warning", job="node", instance="web-2", instance_id="i-2"),
    "a warning there": alert("Slow", "warning", job="shop", instance="web-2"),
    "critical there": alert("Gone", "critical", job="shop", instance="web-2"),
    "a task's warning there": alert("Late", "warning", job="orders", instance_id="i-2"),
    "a task's warning elsewhere": alert("Late", "warning", job="orders", instance_id="i-3"),
    "all hosts down": alert("JobDown", "critical", job="db"),
    "some targets down": alert("TargetDown", "warning", job="db"),
    "host down in a job that is": alert("NodeDown", "warning", job="db", instance="db-1"),
    "some hosts down": alert("TargetDown", "warning", job="node", region="eu-west-2"),
    "one of them": alert("NodeDown", "warning", job="node", instance="a", region="eu-west-2"),
    "a warning on it": alert("Slow", "warning", job="shop", instance="a", region="eu-west-2"),
    "watchdog": alert("Watchdog", "none"),
}
HIDDEN = {
    *("the same, as a warning", "a warning there", "a task's warning there", "some targets down"),
    *("host down in a job that is", "one of them", "a warning on it"),
}


@dataclass
class Web:
    """What was posted to the local server, by path."""

    posted: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))

    def alerts(self, path: str) -> list[tuple[str, str, str]]:
        """Return receiver, status and name of each alert that a webhook was told of."""
        return [
            (notification["receiver"], one["status"], one["labels"]["alertname"])
            for notification in self.posted[path]
            for one in notification["alerts"]
        ]


def wait_for(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


@pytest.fixture(scope="module")
def web() -> Iterator[tuple[Web, str]]:
    found = Web()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.posted[self.path].append(json.loads(body))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")  # as Slack answers

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        yield found, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@dataclass(frozen=True)
class Topic:
    """An SNS topic, and the queue that is subscribed to it."""

    url: str
    arn: str
    queue: str
    sqs: Any

    def messages(self) -> list[dict[str, str]]:
        answer = self.sqs.receive_message(
            QueueUrl=self.queue, MaxNumberOfMessages=10, VisibilityTimeout=0
        )
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


@pytest.fixture(scope="module")
def topic() -> Iterator[Topic]:
    emulator = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    emulator.start()
    _, port = emulator.get_host_and_port()
    url = f"http://127.0.0.1:{port}"
    session = boto3.Session("testing", "testing", region_name=REGION)
    sns, sqs = (session.client("sns", endpoint_url=url), session.client("sqs", endpoint_url=url))
    arn = sns.create_topic(Name="alerts")["TopicArn"]
    queue = sqs.create_queue(QueueName="alerts")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=attributes["Attributes"]["QueueArn"])
    yield Topic(url, arn, queue, sqs)
    emulator.stop()


@dataclass(frozen=True)
class Alertmanager:
    """It runs, and has got the alerts."""

    url: str

    def call(self, path: str, body: Any = None) -> Any:  # noqa: ANN401 - JSON
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{self.url}/api/v2/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with DIRECT.open(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")

    def is_ready(self) -> bool:
        try:
            return bool(self.call("status"))
        except urllib.error.URLError:
            return False


@pytest.fixture(scope="module")
def alertmanager(
    web: tuple[Web, str], topic: Topic, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Alertmanager]:
    directory = tmp_path_factory.mktemp("alertmanager")
    routing = Routing(
        page_with=["sns", "slack", "webhook"],
        notify_with=["webhook"],
        watchdog=True,
        topic_arn=topic.arn,
        region=REGION,
        group_wait="1s",
        group_interval="1s",
    )
    secrets = {
        name: f"{web[1]}/{integration}" for integration, name in secret_variables(routing).items()
    }
    found = Alertmanager(f"http://127.0.0.1:{free_port()}")
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            ["sh", str(SOURCE / "entrypoint.sh")],
            env=variables(directory, found.url, configuration(routing))
            | secrets
            | {**CREDENTIALS, "AWS_ENDPOINT_URL": topic.url, "GRAFANA_URL": "https://g.example"},
            cwd=directory,
            stdout=log,
            stderr=log,
        )
    try:
        wait_for(found.is_ready, (directory / "log").read_text(encoding="utf-8"))
        found.call("alerts", list(ALERTS.values()))
        yield found
    finally:
        process.terminate()
        process.wait(timeout=TIMEOUT)


def variables(directory: Path, url: str, composed: Mapping[str, Any]) -> dict[str, str]:
    host, _, port = url.removeprefix("http://").partition(":")
    binary = ensure(["alertmanager"])["alertmanager"]
    return {
        **image_defaults(SOURCE),
        "PATH": f"{binary.parent}{os.pathsep}{os.environ['PATH']}",
        "ALERTMANAGER_CONFIG": json.dumps(composed),
        "ALERTMANAGER_CONFIG_DIR": str(SOURCE),
        "ALERTMANAGER_RENDERED_DIR": str(directory / "rendered"),
        "ALERTMANAGER_DATA_DIR": str(directory / "data"),
        "ALERTMANAGER_LISTEN_HOST": host,
        "ALERTMANAGER_PORT": port,
        "no_proxy": "*",
    }


def test_what_is_worse_hides_the_rest(alertmanager: Alertmanager) -> None:
    def hidden() -> set[str]:
        states = {
            frozenset(one["labels"].items()): one["status"]["inhibitedBy"]
            for one in alertmanager.call("alerts")
        }
        return {
            name for name, one in ALERTS.items() if states.get(frozenset(one["labels"].items()))
        }

    wait_for(lambda: hidden() == HIDDEN, f"{hidden()} are hidden, not {HIDDEN}")


@pytest.mark.usefixtures("alertmanager")
def test_each_is_told_once_to_whom_it_concerns(web: tuple[Web, str]) -> None:
    expected = {
        ("page", "firing", "Memory"),
        ("page", "firing", "Gone"),
        ("page", "firing", "JobDown"),
        ("notify", "firing", "Memory"),
        ("notify", "firing", "Late"),
        ("notify", "firing", "NodeDown"),
        ("notify", "firing", "TargetDown"),
    }
    told = web[0]
    wait_for(lambda: expected <= set(told.alerts("/webhook")), f"{told.alerts('/webhook')}")
    assert sorted(told.alerts("/webhook")) == sorted(expected)


@pytest.mark.usefixtures("alertmanager")
def test_the_watchdog_shows_a_sign_of_life(web: tuple[Web, str]) -> None:
    wait_for(lambda: web[0].posted["/watchdog"], "no Watchdog")
    assert set(web[0].alerts("/watchdog")) == {("watchdog", "firing", "Watchdog")}


@pytest.mark.usefixtures("alertmanager")
def test_slack_gets_the_texts_of_the_templates(web: tuple[Web, str]) -> None:
    def titles() -> list[str]:
        return [message["attachments"][0]["title"] for message in web[0].posted["/slack"]]

    wait_for(lambda: len(titles()) == 3, f"{titles()}")
    assert f"[FIRING:1] Memory, prod, {REGION}, node: Memory is critical." in titles()
    assert all(
        "<https://example.com/a|Runbook>" in message["attachments"][0]["text"]
        for message in web[0].posted["/slack"]
    )


@pytest.mark.usefixtures("alertmanager")
def test_sns_gets_them_signed(topic: Topic) -> None:
    wait_for(lambda: len(topic.messages()) == 3, f"{topic.messages()}")
    [found] = [message for message in topic.messages() if "Memory" in message["Subject"]]
    assert found["Subject"] == f"[FIRING:1] Memory, prod, {REGION}, node: Memory is critical."
    assert "\nRunbook: https://example.com/a\n" in found["Message"]


def test_the_end_is_told_as_well(alertmanager: Alertmanager, web: tuple[Web, str]) -> None:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    alertmanager.call("alerts", [{**CRITICAL, "endsAt": now}])
    ended = ("page", "resolved", "Memory")
    wait_for(lambda: ended in web[0].alerts("/webhook"), "the end is not told")
