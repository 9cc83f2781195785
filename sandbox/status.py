"""What a sandbox is doing: targets, alerts, who has been notified."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox import prometheus, receiver, security_groups, state
from sandbox.emulator import client
from sandbox.hints import command
from sandbox.options import Options
from sandbox.shortening import shortened
from sandbox.state import Directory, State
from sandbox.workspace import Workspace

_MOST_REASONS = 10
_MOST_ALERTS = 10


def show(parsed: Options) -> int:
    """Show it, for people or as JSON; return the exit code."""
    found = state.find(parsed.name)
    current = found.read()
    error = ""
    targets: list[prometheus.Target] = []
    not_up: list[str] = []
    failing: list[str] = []
    alerts: list[prometheus.Alert] = []
    alertmanagers: list[str] = []
    try:
        targets = prometheus.targets(current.prometheus_url)
        failing = prometheus.failing_discovery(current.prometheus_url)
        not_up = prometheus.not_up(targets, _refusals(current, targets))
        alerts = prometheus.alerts(current.prometheus_url)
        alertmanagers = prometheus.alertmanagers(current.prometheus_url)
    except prometheus.PrometheusError as problem:
        error = _silence(found, current, problem)
    notifications = receiver.read(found.notifications)
    if parsed.json:
        report = {
            **_report(found, current, targets, error),
            "problems": [*not_up, *failing],
            "alertmanagers": alertmanagers,
            "alerts": [alert._asdict() for alert in alerts],
            "notifications": notifications,
        }
        print(json.dumps(report, indent=2))
        return 0
    print(f"Sandbox:       {current.name} (stack {current.stack}, {current.phase})")
    print(f"Prometheus:    {'does not answer' if error else current.prometheus_url}")
    for url in alertmanagers:
        print(f"Alertmanager:  {url}")
    print(f"Emulated AWS:  {current.emulator_url}")
    print(f"Logs:          {found.logs}\n")
    print(error or prometheus.table(targets))
    if current.not_run:
        print("", *current.not_run, sep="\n")
    if not_up or failing:
        print("", *shortened(not_up, _MOST_REASONS), *failing, sep="\n")
    if alerts:
        shown = [f"{it.state.upper():<8} {it.labels['alertname']}" for it in alerts]
        print("\nAlerts:", *shortened(shown, _MOST_ALERTS), sep="\n")
    if notifications:
        latest = reversed(notifications)
        told = [
            f"{time.strftime('%X', time.localtime(it['time']))} {receiver.line(it)}"
            for it in latest
        ]
        print("\nNotifications, the latest first:", *shortened(told, _MOST_ALERTS), sep="\n")
    return 0


def _refusals(current: State, targets: Sequence[prometheus.Target]) -> Mapping[str, str]:
    if all(target.health == "up" for target in targets):
        return {}  # at once: a client takes a quarter of a second, and 300 hosts another half
    return security_groups.refusals(client("ec2", current.variables), targets)


def _silence(found: Directory, current: State, problem: prometheus.PrometheusError) -> str:
    """Say why Prometheus does not answer."""
    if current.phase == "starting":
        return f"The sandbox is starting, and Prometheus does not answer yet: {problem}"
    if not _outputs(found, current):
        return f"Nothing is deployed. Next: {command('pulumi', '--name', current.name, 'up')}"
    return f"Prometheus is deployed, but does not answer; {found.logs} says why: {problem}"


def _report(
    found: Directory, current: State, targets: Sequence[prometheus.Target], error: str
) -> dict[str, Any]:
    return {
        **{name: getattr(current, name) for name in ("name", "stack", "phase", "pid")},
        "urls": {"prometheus": current.prometheus_url, "emulator": current.emulator_url},
        "logs": str(found.logs),
        "outputs": _outputs(found, current),
        "not_run": current.not_run,
        "targets": [target._asdict() for target in targets],
        "prometheus_error": error,
    }


def _outputs(found: Directory, current: State) -> Mapping[str, Any]:
    """Return the stack's outputs: with Pulumi's engine, as they are since its last run."""
    workspace = Workspace(found.pulumi, current.stack, current.variables)
    return workspace.outputs() if workspace.exists() else current.outputs
