"""The rules: valid, tested to fire and to be silent, and made of metrics that exist."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import time
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import yaml
from prometheus_client import CollectorRegistry, start_http_server

from live_configuration.metrics import Metrics
from sandbox.addresses import free_port
from sandbox.binaries import ensure
from tests.configuration.rules_files import (
    ALERTS,
    OF_THE_FUTURE,
    RECORDS,
    ROOT,
    RULE_FILES,
    RULES,
    UNIT_TESTS,
    Rule,
    checks,
    documented_queries,
    expected_queries,
    metrics,
    raw_metrics,
    strings,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

TIMEOUT = 60.0  # seconds until real Prometheus has evaluated rules on real samples
SEVERITIES = {"critical", "warning", "info", "none"}
HARDWARE = {
    "node_md_": "mdadm",
    "node_nf_conntrack_": "conntrack",
    "node_pressure_": "pressure",
    "node_systemd_": "systemd",
}
"""Metrics that a machine may be without -> the collector that tells so."""


def promtool(*arguments: object) -> str:
    """Run promtool, and fail with what it prints when it fails."""
    done = subprocess.run(
        [ensure(["promtool"])["promtool"], *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    return output


@pytest.mark.parametrize("path", UNIT_TESTS, ids=lambda path: path.name)
def test_unit_tests(path: Path) -> None:
    assert "SUCCESS" in promtool("test", "rules", path)


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.name)
def test_lint(path: Path) -> None:
    promtool("check", "rules", "--lint=all", "--lint-fatal", path)


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_the_entrypoint_fills_in_nothing_but_addresses_and_labels(rule: Rule) -> None:
    """The unit tests run on what stands in the file."""
    link = rule.annotations.get("runbook_url", "")
    labels = json.dumps(rule.body.get("labels", {}))
    legal = link.count("${RUNBOOK_BASE_URL}") + labels.count("${")
    assert json.dumps(rule.body).count("${") == legal


@pytest.mark.parametrize(
    ("where", "expression"),
    [*((str(rule), rule.expression) for rule in RULES), *documented_queries()],
)
def test_no_string_has_a_blank(where: str, expression: str) -> None:
    """YAML puts one where it folds a line, and a matcher with a blank in it matches nothing."""
    assert [string for string in strings(expression) if re.search(r"\s", string)] == [], where


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("up{a=\"lo ad\", b=~'x'}", ['"lo ad"', "'x'"]),
        ("up{a=`b\n`}", ["`b\n`"]),
        (r'up{a="\"} \\"} == 1', [r'"\"} \\"']),
        ('up # "not one"\n== 1', []),
    ],
)
def test_strings_are_found(expression: str, found: list[str]) -> None:
    assert strings(expression) == found


def test_each_file_of_rules_is_loaded_by_a_unit_test() -> None:
    loaded = {
        (path.parent / file).resolve()
        for path in UNIT_TESTS
        for file in yaml.safe_load(path.read_text(encoding="utf-8"))["rule_files"]
    }
    assert loaded == set(RULE_FILES)


def test_nothing_has_the_same_name() -> None:
    assert [name for name, number in Counter(map(str, RULES)).items() if number > 1] == []


@pytest.mark.parametrize("alert", ALERTS, ids=str)
def test_alert_is_complete(alert: Rule) -> None:
    assert alert.severity in SEVERITIES
    assert set(alert.annotations) == {"summary", "description", "runbook_url", "dashboard"}
    assert re.fullmatch("[a-z]+", alert.annotations["dashboard"]), "not the uid of a dashboard"
    for name in ("summary", "description"):
        assert alert.annotations[name].endswith((".", "?")), f"{name} is not a sentence"
    for value in re.findall(r"{{[^}]*\$value[^}]*}}", " ".join(alert.annotations.values())):
        assert re.search(r"\| humanize|printf", value), f"{value} is not made readable"


@pytest.mark.parametrize(
    "alert", [alert for alert in ALERTS if alert.name not in OF_THE_FUTURE], ids=str
)
def test_a_unit_test_shows_the_alert_firing(alert: Rule) -> None:
    assert any(check.alert == alert.name and alert.severity in check.firing for check in checks())


@pytest.mark.parametrize(("alert", "where"), OF_THE_FUTURE.items())
def test_what_promtool_cannot_show_a_real_prometheus_does(alert: str, where: str) -> None:
    (rule,) = [rule for rule in ALERTS if rule.name == alert]
    assert " offset -" in rule.expression
    assert f'fires("{alert}")' in (ROOT / where).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "alert", [alert for alert in ALERTS if alert.expression != "vector(1)"], ids=str
)
def test_a_unit_test_shows_the_alert_silent(alert: Rule) -> None:
    """Silent although all that it reads is there, and for longer than it would be pending."""
    assert any(
        check.alert == alert.name
        and alert.severity not in check.firing
        and check.time > alert.wait
        and raw_metrics(alert) <= check.series
        for check in checks()
    )


@pytest.mark.parametrize("record", RECORDS, ids=str)
def test_record_is_well_named_and_used_or_tested(record: Rule) -> None:
    computed, constant = r"[a-z_]+:[a-z0-9_]+:[a-z0-9_]+", r"[a-z_]+_info"
    name = constant if record.expression == "vector(1)" else computed
    assert re.fullmatch(name, record.name), "not level:metric:operation; of vector(1): not *_info"
    used = {name for rule in RULES for name in metrics(rule.expression)}
    tested = {name for query in expected_queries() for name in metrics(query)}
    assert record.name in used | tested


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_rules_on_hosts_and_servers_name_the_job(rule: Rule) -> None:
    """Another job's exporters and servers may have metrics of the same names."""
    selected = re.findall(
        r"\b((?:node|prometheus|alertmanager|process|go)_\w+)(\{[^}]*\})?", rule.expression
    )
    for metric, matchers in selected:
        if metric in metrics(rule.expression):
            assert 'job="' in matchers, f"{metric}{matchers}"


JOBS = ("prometheus", "node", "alertmanager", "configuration")


CADVISOR = (
    *("container_cpu_usage_seconds_total", "container_start_time_seconds"),
    *("container_cpu_cfs_periods_total", "container_cpu_cfs_throttled_periods_total"),
    *("container_memory_working_set_bytes", "container_spec_memory_limit_bytes"),
    "container_oom_events_total",
)
"""What cAdvisor has of containers (tried: 0.60.5): it needs a host of its own to show it."""

FROM_THE_ENVIRONMENT = {"job:ecs_tasks_expected:sum"}
"""Records that a line `# each` makes."""


class Server:
    """A real Prometheus with the rules, which scrapes itself and what the rules are about."""

    def __init__(self, port: int) -> None:
        self.port = port

    def get(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 - JSON
        """Ask the API; None as long as it does not answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", f"/api/v1/{path}?{urlencode(parameters)}")
            answer = connection.getresponse()
            return json.load(answer)["data"] if answer.status == http.client.OK else None
        except ConnectionError:
            return None
        finally:
            connection.close()

    def query(self, expression: str) -> list[Any]:
        answer = self.get("query", query=expression)
        result: list[Any] = answer["result"] if answer else []
        return result


def write_configuration(directory: Path, ports: Mapping[str, int]) -> Path:
    """Write the configuration of a Prometheus that scrapes the ports; job -> port."""
    closed = f"127.0.0.1:{free_port()}"
    configuration = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(path) for path in RULE_FILES],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [closed]}]}]},
        "scrape_configs": [
            *(
                {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
                for job, port in ports.items()
            ),
            {
                "job_name": "unreachable",
                "ec2_sd_configs": [
                    {
                        "region": "eu-west-1",
                        "endpoint": f"http://{closed}",
                        "access_key": "test",
                        "secret_key": "test",
                    }
                ],
            },
        ],
    }
    path = directory / "prometheus.yml"
    path.write_text(yaml.safe_dump(configuration), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("server")
    binaries = ensure(["prometheus", "node_exporter", "alertmanager"])
    ports = {job: free_port() for job in JOBS}
    (directory / "test.prom").write_text("rules_test 1\n", encoding="utf-8")
    (directory / "cadvisor.prom").write_text(
        "".join(f"{name} 1\n" for name in CADVISOR), encoding="utf-8"
    )
    routes = {"route": {"receiver": "none"}, "receivers": [{"name": "none"}]}
    (directory / "alertmanager.yml").write_text(json.dumps(routes), encoding="utf-8")
    commands = (
        [
            str(binaries["node_exporter"]),
            f"--web.listen-address=127.0.0.1:{ports['node']}",
            "--collector.systemd",
            "--collector.systemd.enable-restarts-metrics",
            f"--collector.textfile.directory={directory}",
        ],
        [
            str(binaries["prometheus"]),
            f"--config.file={write_configuration(directory, ports)}",
            f"--storage.tsdb.path={directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{ports['prometheus']}",
        ],
        [
            str(binaries["alertmanager"]),
            f"--config.file={directory / 'alertmanager.yml'}",
            f"--storage.path={directory / 'alertmanager'}",
            f"--web.listen-address=127.0.0.1:{ports['alertmanager']}",
            f"--cluster.listen-address=127.0.0.1:{free_port()}",
        ],
    )
    # What brings configuration is part of this process.
    registry = CollectorRegistry()
    Metrics("prometheus", registry).note("check", "a", ("b", "check"))
    metrics_of_it, _ = start_http_server(ports["configuration"], "127.0.0.1", registry)
    started = []
    try:
        with (directory / "log").open("wb") as log:
            started += [
                subprocess.Popen(command, env={}, stdout=log, stderr=log) for command in commands
            ]
        found = Server(ports["prometheus"])
        deadline = time.monotonic() + TIMEOUT
        while not found.query("instance:node_cpu_utilisation:rate5m"):
            assert time.monotonic() < deadline, (directory / "log").read_text(encoding="utf-8")
            time.sleep(0.2)
        yield found
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(timeout=TIMEOUT)
        metrics_of_it.shutdown()
        metrics_of_it.server_close()


def test_rules_evaluate_on_real_samples(server: Server) -> None:
    answer = server.get("rules")
    evaluated = [rule for group in answer["groups"] for rule in group["rules"]]
    assert {rule["name"] for rule in evaluated} == {rule.name for rule in RULES}
    errors = {rule["name"]: rule["lastError"] for rule in evaluated if rule.get("lastError")}
    assert errors == {}
    assert server.query('ALERTS{alertname="Watchdog", alertstate="firing", severity="none"}')


def test_the_metrics_exist(server: Server) -> None:
    stored = set(server.get("label/__name__/values"))
    absent = {
        result["metric"]["collector"]
        for result in server.query("node_scrape_collector_success == 0")
    }
    not_here = tuple(prefix for prefix, collector in HARDWARE.items() if collector in absent)
    read = {name: str(rule) for rule in RULES for name in raw_metrics(rule)}
    recorded = {record.name for record in RECORDS} | FROM_THE_ENVIRONMENT
    read |= {
        name: where for where, query in documented_queries() for name in metrics(query) - recorded
    }
    unknown = {
        name: where
        for name, where in read.items()
        if name not in stored | FROM_THE_ENVIRONMENT and not name.startswith(not_here)
    }
    assert unknown == {}
