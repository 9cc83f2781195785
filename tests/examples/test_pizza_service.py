"""The pizza service: in a test client, and under the gunicorn of its image."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry

from components import assets
from components.containers.content import shipped_files
from examples.pizza_service.pizza.kitchen import MENU
from examples.pizza_service.pizza.metrics import Metrics
from examples.pizza_service.pizza.service import create_app
from sandbox.addresses import LOOPBACK
from sandbox.runtimes import parse_dockerfile
from settings import PROJECT
from stack_files import stack_file_config
from tests.examples.shop import DIRECT, DOCKERFILE, EXAMPLE, ROOT, Service, serving
from tests.unit.test_requirements import pinned

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask.testing import FlaskClient

FAULT = {"X-Fault": "oven"}
FUNGHI = {"pizza": "funghi", "count": 2}


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def client(registry: CollectorRegistry) -> FlaskClient:
    return create_app(Metrics(registry)).test_client()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("pizza"), ALLOW_FAULTS="true") as found:
        yield found


def outcomes(registry: CollectorRegistry) -> dict[str, float]:
    return {
        outcome: registry.get_sample_value("pizza_orders_total", {"outcome": outcome}) or 0.0
        for outcome in ("created", "rejected", "failed")
    }


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([], "expected a JSON object"),
        (None, "expected a JSON object"),
        ({}, "pizza is None: expected"),
        ({"pizza": "hawaii"}, "pizza is 'hawaii': expected"),
        ({"pizza": ["funghi"]}, "one of: margherita, funghi, quattro formaggi"),
        ({"pizza": "funghi", "count": 0}, "count is 0: expected"),
        ({"pizza": "funghi", "count": 21}, "a whole number from 1 to 20"),
        ({"pizza": "funghi", "count": True}, "count is True: expected"),
        ({"pizza": "funghi", "count": "2"}, "count is '2': expected"),
        ({"pizza": "funghi", "extra": "cheese"}, "expected a JSON object"),
    ],
)
def test_a_wrong_order_is_rejected(
    client: FlaskClient, registry: CollectorRegistry, body: object, said: str
) -> None:
    answer = client.post("/orders", data=json.dumps(body), content_type="application/json")
    assert answer.status_code == 400
    assert said in answer.get_json()["error"]
    assert outcomes(registry) == {"created": 0, "rejected": 1, "failed": 0}


@pytest.mark.parametrize(
    ("data", "kind", "status"),
    [(b"{", "application/json", 400), (b"x", "text/plain", 415), (b"x" * 10_001, None, 413)],
)
def test_what_is_no_order_at_all_is_rejected(
    client: FlaskClient, registry: CollectorRegistry, data: bytes, kind: str | None, status: int
) -> None:
    answer = client.post("/orders", data=data, content_type=kind or "application/json")
    assert answer.status_code == status
    assert answer.get_json()["error"]
    assert outcomes(registry)["rejected"] == 1


def test_an_order_is_created_and_paid(client: FlaskClient, registry: CollectorRegistry) -> None:
    answer = client.post("/orders", json=FUNGHI)
    assert (answer.status_code, answer.get_json()) == (201, {**FUNGHI, "price_euros": 20.0})
    assert client.post("/orders", json={"pizza": "margherita"}).get_json()["count"] == 1
    assert outcomes(registry) == {"created": 2, "rejected": 0, "failed": 0}
    assert registry.get_sample_value("pizza_revenue_euros_total") == 28.5


def test_the_menu(client: FlaskClient) -> None:
    assert client.get("/").get_json() == {name: it.price_euros for name, it in MENU.items()}


def test_nobody_can_ask_for_a_fault_by_default(
    client: FlaskClient, registry: CollectorRegistry
) -> None:
    assert parse_dockerfile(DOCKERFILE).environment["ALLOW_FAULTS"] == "false"
    assert client.post("/orders", json=FUNGHI, headers=FAULT).status_code == 201
    assert outcomes(registry) == {"created": 1, "rejected": 0, "failed": 0}


def test_an_order_fails_where_faults_are_allowed(
    registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOW_FAULTS", "true")
    client = create_app(Metrics(registry)).test_client()
    assert client.post("/orders", json=FUNGHI, headers=FAULT).status_code == 500
    assert client.post("/orders", json=FUNGHI, headers={"X-Fault": "x"}).status_code == 201
    assert outcomes(registry) == {"created": 1, "rejected": 0, "failed": 1}
    assert registry.get_sample_value("pizza_revenue_euros_total") == 20.0


def test_whatever_goes_wrong_the_order_has_failed(
    client: FlaskClient, registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def surprise(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("examples.pizza_service.pizza.service.bake", surprise)
    assert client.post("/orders", json=FUNGHI).status_code == 500
    assert outcomes(registry) == {"created": 0, "rejected": 0, "failed": 1}
    answered = {"method": "POST", "route": "/orders", "status": "500"}
    name = "pizza_http_request_duration_seconds_count"
    assert registry.get_sample_value(name, answered) == 1


def test_a_flag_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOW_FAULTS", "yes")
    with pytest.raises(ValueError, match=r"ALLOW_FAULTS is 'yes': expected true or false"):
        create_app(Metrics(CollectorRegistry()))


def test_strangers_requests_make_one_series(
    client: FlaskClient, registry: CollectorRegistry
) -> None:
    def series() -> int:
        return sum(len(family.samples) for family in registry.collect())

    client.get("/nothing/0")
    before = series()
    for number in range(1, 20):
        assert client.get(f"/nothing/{number}").status_code == 404
        client.open("/nothing", method=f"FOO{number}")
    assert series() == before


def test_everything_is_counted_from_0(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        values = service.values()
        assert service.order(FUNGHI) == 201
        assert service.values().keys() == values.keys()
    for outcome in ("created", "rejected", "failed"):
        assert values[f"pizza_orders_total outcome={outcome}"] == 0
    assert values["pizza_revenue_euros_total"] == 0
    failed = "pizza_http_request_duration_seconds_count method=POST route=/orders status=500"
    assert values[failed] == 0
    assert not [name for name in values if name.startswith("pizza") and "_created" in name]


def test_counts_are_exact_under_concurrent_load(service: Service) -> None:
    """And every scrape meets the process that has counted them."""
    orders = [
        *([(FUNGHI, {})] * 150),
        *([(FUNGHI, FAULT)] * 60),
        *([({"pizza": "hawaii"}, {})] * 40),
    ]
    before = service.values()
    with ThreadPoolExecutor(32) as pool:
        statuses = Counter(pool.map(lambda order: service.order(*order), orders))
    assert statuses == {201: 150, 500: 60, 400: 40}
    for _ in range(5):
        after = service.values()
        grown = {name: value - before[name] for name, value in after.items() if name in before}
        assert grown["pizza_orders_total outcome=created"] == 150
        assert grown["pizza_orders_total outcome=failed"] == 60
        assert grown["pizza_orders_total outcome=rejected"] == 40
        assert grown["pizza_revenue_euros_total"] == 150 * 20
        for status, number in statuses.items():
            name = f"pizza_http_request_duration_seconds_count method=POST route=/orders {status=}"
            assert grown[name] == number


def test_metrics_are_not_where_customers_are(service: Service) -> None:
    with pytest.raises(OSError, match="404"):
        DIRECT.open(f"{service.url}/metrics", timeout=10)


def test_a_failure_is_logged(service: Service) -> None:
    assert service.order(FUNGHI, FAULT) == 500
    assert "ERROR in service: order failed: the oven is broken" in service.log.read_text("utf-8")


def test_it_finishes_an_order_and_ends_when_it_is_told_to(tmp_path: Path) -> None:
    body = json.dumps(FUNGHI).encode()
    head = f"""POST /orders HTTP/1.1\r
Host: pizza\r
Content-Type: application/json\r
Content-Length: {len(body)}\r
Expect: 100-continue\r
\r
"""
    with (
        serving(tmp_path) as service,
        socket.create_connection((LOOPBACK, service.port), timeout=60) as customer,
    ):
        customer.sendall(head.encode())
        assert customer.recv(1000).startswith(b"HTTP/1.1 100 ")  # a thread has it
        service.process.send_signal(signal.SIGTERM)
        customer.sendall(body)
        assert customer.recv(1000).startswith(b"HTTP/1.1 201 ")
        assert service.process.wait(60) == 0


def test_it_ends_when_its_metrics_cannot_be_served(tmp_path: Path, service: Service) -> None:
    with (
        pytest.raises(AssertionError, match="Address already in use"),
        serving(tmp_path, METRICS_PORT=str(service.metrics_port)),
    ):
        pass


READ_ONLY = 'mount --make-rprivate / && mount -o remount,bind,ro / && exec setpriv "$@"'


@pytest.mark.skipif(os.geteuid() != 0, reason="another user and a read-only root take root")
def test_it_runs_as_nobody_on_a_read_only_root(tmp_path: Path) -> None:
    nobody = ("--reuid=65534", "--regid=65534", "--clear-groups")
    with serving(tmp_path, "unshare", "--mount", "sh", "-c", READ_ONLY, "sh", *nobody) as service:
        assert service.order(FUNGHI) == 201
        assert service.values()["pizza_orders_total outcome=created"] == 1


def test_the_image_has_the_service_and_nothing_else(tmp_path: Path) -> None:
    """A rule, the README or a cached module are no other image."""
    copy = tmp_path / "context"
    shutil.copytree(EXAMPLE, copy)
    (copy / "pizza" / "__pycache__").mkdir(exist_ok=True)
    (copy / "pizza" / "__pycache__" / "x.pyc").write_bytes(b"")
    modules = {f"pizza/{it.name}" for it in (EXAMPLE / "pizza").glob("*.py")}
    assert set(shipped_files(copy)) == {"Dockerfile", "requirements.lock", *modules}


def test_the_image_is_made_as_the_others_are() -> None:
    version = assets.VERSIONS["python"]
    assert re.search(rf"^ARG PYTHON_VERSION={version}$", DOCKERFILE, re.MULTILINE)
    assert re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE) == ["65534:65534"]
    stages = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]
    running = [stage for stage in stages if re.search(r"^RUN ", stage, re.MULTILINE)]
    assert [stage.split()[0] for stage in running] == ["--platform=$BUILDPLATFORM"]
    for option in ("--require-hashes", "--only-binary=:all:", "--no-deps"):
        assert option in running[0]


def test_the_health_check_asks_for_its_health(client: FlaskClient) -> None:
    (command,) = re.findall(r"^    CMD (wget .+)$", DOCKERFILE, re.MULTILINE)
    path = command.removesuffix('"').rpartition("${PORT}")[2]
    assert client.get(path).get_json() == {"healthy": True}
    port = parse_dockerfile(DOCKERFILE).environment["PORT"]
    (block,) = stack_file_config(ROOT / "Pulumi.pizza.yaml")[f"{PROJECT}:services"].values()
    asked = shlex.split(command.replace("${PORT}", port))
    assert block["healthCommand"] == asked, "the stack asks as the image does"


def test_its_packages_are_those_of_the_tests() -> None:
    own = pinned("examples/pizza_service/requirements.lock")
    assert own.items() <= pinned("requirements-dev.lock").items()
    assert pinned("examples/pizza_service/requirements.txt").items() <= own.items()
