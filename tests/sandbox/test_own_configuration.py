"""Rules and jobs of the user's own, in a real Prometheus: those of examples/own_configuration."""

from __future__ import annotations

import os
import secrets
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import prometheus
from sandbox.addresses import free_port
from sandbox.binaries import ensure
from tests.sandbox.command import ROOT, Account, Deployed, run, until

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = ROOT / "examples" / "own_configuration" / "prometheus"
TIMEOUT_S = 60.0


class Shop(BaseHTTPRequestHandler):
    """A shop of which one order in four fails."""

    orders = 0

    def do_GET(self) -> None:
        Shop.orders += 40
        text = f"shop_orders_total {Shop.orders}\nshop_orders_failed_total {Shop.orders // 4}\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:  # noqa: ANN401 - as in the base class
        """Say nothing."""


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Account]:
    own = tmp_path_factory.mktemp("own") / "prometheus"
    shutil.copytree(EXAMPLE, own)
    job = own / "scrape.d" / "shop.yml"
    text = job.read_text(encoding="utf-8")
    assert "port: 8080" in text
    # One that nobody else on this machine listens on.
    job.write_text(text.replace("port: 8080", f"port: {port}"), encoding="utf-8")
    overlay = ("--config", f"prometheus.overlay={own}")
    with Deployed.up("--hosts", "1", "--runtime", "process", *overlay) as deployed:
        yield Account(deployed)


def test_the_rules_are_loaded_beside_the_packages(account: Account) -> None:
    groups = prometheus.query(account.url, "rules")["groups"]
    files = {Path(group["file"]).name for group in groups}
    assert {"shop.yml", "node_alerts.yml", "prometheus_alerts.yml", "targets.yml"} <= files
    (shop,) = [group for group in groups if group["name"] == "shop"]
    names = [rule["name"] for rule in shop["rules"]]
    assert names == ["job:shop_orders_failed:ratio_rate5m", "ShopOrdersFail"]


def test_the_job_finds_its_host_scrapes_it_and_feeds_the_rule(account: Account, port: int) -> None:
    (identifier,) = account.outputs["host_ids"]
    address = account.instance(identifier)["PrivateIpAddress"]
    server = ThreadingHTTPServer((address, port), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        _let_in(account, identifier, port)
        (target,) = until(
            "the shop is scraped",
            TIMEOUT_S,
            lambda: [
                it
                for it in prometheus.targets(account.url)
                if (it.job, it.health) == ("shop", "up")
            ],
        )
        assert target.labels["instance_id"] == identifier
        assert target.address == f"{address}:{port}"
        expression = 'job:shop_orders_failed:ratio_rate5m{job="shop"}'
        share = until(
            "the rule records", TIMEOUT_S, lambda: account.value(f"{expression} > 0") or None
        )
        assert share == pytest.approx(0.25)
        states = until("the alert is pending", TIMEOUT_S, lambda: account.raised("ShopOrdersFail"))
        assert [(it["team"], it["severity"]) for it in states] == [("shop", "critical")]
    finally:
        server.shutdown()
        server.server_close()


def _let_in(account: Account, identifier: str, port: int) -> None:
    """Do what docs/own-configuration.md says: the tag, and a rule on either side."""
    ec2 = account.client("ec2")
    ec2.create_tags(Resources=[identifier], Tags=[{"Key": "shop-metrics", "Value": "true"}])
    server = account.outputs["prometheus_security_group_id"]
    hosts = account.outputs["exporter_security_group_id"]
    tcp = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port}
    to, from_ = ({**tcp, "UserIdGroupPairs": [{"GroupId": group}]} for group in (hosts, server))
    ec2.authorize_security_group_egress(GroupId=server, IpPermissions=[to])
    ec2.authorize_security_group_ingress(GroupId=hosts, IpPermissions=[from_])


BAD = {
    "rules.d/shop.yml": ("> 0.05", ">", "promtool refuses it: "),
    "scrape.d/shop.yml": ("job_name: shop", "job_name: node", "there is a job 'node' already"),
    "tests/shop.test.yml": ("job=", "${JOB}=", "the variable ${JOB} is unknown"),
}
"""File -> what stands there, what instead, and what is said about it."""


@pytest.mark.parametrize("name", BAD)
def test_what_is_bad_is_refused_before_anything_is_made(tmp_path: Path, name: str) -> None:
    own = tmp_path / "prometheus"
    shutil.copytree(EXAMPLE, own)
    before, after, said = BAD[name]
    text = (own / name).read_text(encoding="utf-8")
    assert before in text
    (own / name).write_text(text.replace(before, after, 1), encoding="utf-8")
    path = os.pathsep.join([str(ensure(["promtool"])["promtool"].parent), os.environ["PATH"]])
    sandbox = f"test-{secrets.token_hex(4)}"
    up = ("up", "--detach", "--name", sandbox, "--config", f"prometheus.overlay={own}")
    done = run(*up, environment={"PATH": path})
    if not done.returncode:
        run("down", "--name", sandbox)
    assert done.returncode == 1
    assert f'prometheus-aws:prometheus.overlay is "{own}"' in done.stderr
    assert said in done.stderr
    assert name in done.stderr
