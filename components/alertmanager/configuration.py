"""Alertmanager's configuration: routes, inhibition, mute times, receivers.

Nothing in it is secret: a receiver names the file that its secret is in, which
docker/alertmanager/entrypoint.sh writes from the environment variable of `secret_variables`. Paths
are relative to the folder that the entrypoint puts the configuration into.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

INTEGRATIONS = ("sns", "slack", "pagerduty", "opsgenie", "webhook")
"""The ways to tell people."""

SECRETS = {
    "slack": "slack_url",
    "pagerduty": "pagerduty_routing_key",
    "opsgenie": "opsgenie_api_key",
    "webhook": "webhook_url",
    "watchdog": "watchdog_url",
}
"""Integration -> the file of its secret, and in upper case the environment variable."""

NOTIFY_TIMES = "notify-times"
"""The time interval in which warnings are told."""

WATCHDOG_INTERVAL = "5m"
"""Between two signs of life; what waits for them counts in minutes (docs/alerting.md)."""

Document = dict[str, Any]


@dataclass(frozen=True)
class Routing:
    """Who is told of what, and when."""

    page_with: Sequence[str] = ()
    """Of `INTEGRATIONS`, for alerts of severity `critical`. Default: nobody is told."""
    notify_with: Sequence[str] = ()
    """Of `INTEGRATIONS`, for the others, but for `info` and `none`, which nobody is told of."""
    watchdog: bool = False
    """Is there a webhook that complains when no sign of life arrives?"""
    topic_arn: str = ""
    """Of the SNS topic; needed for `sns`."""
    region: str = ""
    """AWS region of the topic; needed for `sns`."""
    group_wait: str = "30s"
    """How long a first notification waits for more alerts of its group."""
    group_interval: str = "5m"
    """How long after a notification a group's new alerts wait."""
    repeat_interval: str = "4h"
    """After how long the notification of an alert that still fires is repeated."""
    notify_days: str = ""
    """Such as monday:friday, when warnings are told. Default: every day."""
    notify_hours: str = ""
    """Such as 08:00-18:00, when warnings are told. Default: at any hour."""
    time_zone: str = "UTC"
    """Of `notify_hours` and `notify_days`, such as Europe/Berlin."""

    @property
    def integrations(self) -> list[str]:
        """Those that are used."""
        return [name for name in INTEGRATIONS if name in {*self.page_with, *self.notify_with}]

    @property
    def receivers(self) -> list[str]:
        """The receivers that there are: by purpose, then one for each integration."""
        return ["page", "notify", "none", *(["watchdog"] * self.watchdog), *self.integrations]


def secret_variables(routing: Routing) -> dict[str, str]:
    """Return integration (or `watchdog`) -> environment variable of its secret, for those used."""
    used = [*routing.integrations, *(["watchdog"] * routing.watchdog)]
    return {name: SECRETS[name].upper() for name in used if name in SECRETS}


def configuration(routing: Routing, own: Mapping[str, Any] | None = None) -> Document:
    """Compose the configuration; as JSON it is the variable ALERTMANAGER_CONFIG.

    Args:
        routing: who is told of what.
        own: the user's `routes`, `inhibit_rules` and `time_intervals`, as of `routes.read_routes`.
            Their routes come before the default ones, after the Watchdog's.
    """
    own = own or {}
    times = _notify_times(routing)
    found: Document = {
        "route": _route(routing, own.get("routes", []), muted=bool(times)),
        "inhibit_rules": [*_INHIBIT_RULES, *own.get("inhibit_rules", [])],
        "receivers": _receivers(routing),
        "templates": ["templates/*.tmpl"],
    }
    if intervals := [*times, *own.get("time_intervals", [])]:
        found["time_intervals"] = intervals
    return found


def _route(routing: Routing, own: Sequence[Mapping[str, Any]], *, muted: bool) -> Document:
    notify: Document = {"receiver": "notify"}
    if muted:
        notify["active_time_intervals"] = [NOTIFY_TIMES]
    return {
        "receiver": "notify",
        # One notification for an alert on many hosts. The first two tell environments apart where
        # several share an Alertmanager.
        "group_by": ["environment", "region", "alertname"],
        "group_wait": routing.group_wait,
        "group_interval": routing.group_interval,
        "repeat_interval": routing.repeat_interval,
        "routes": [
            {
                "receiver": "watchdog" if routing.watchdog else "none",
                "matchers": ['alertname="Watchdog"'],
                "group_wait": "0s",
                "group_interval": "1m",
                "repeat_interval": WATCHDOG_INTERVAL,
            },
            *own,
            {"receiver": "page", "matchers": ['severity="critical"']},
            {"receiver": "none", "matchers": ['severity=~"info|none"']},
            # What has no severity, or one that nobody knows, is told as a warning.
            notify,
        ],
    }


_INHIBIT_RULES: Sequence[Document] = (
    # The same thing, worse. A host's file systems, disks, ... are not the same thing.
    {
        "source_matchers": ['severity="critical"'],
        "target_matchers": ['severity=~"warning|info"'],
        "equal": [
            *("environment", "region", "alertname", "job", "instance"),
            *("device", "mountpoint", "name"),
        ],
    },
    # Of many targets that are down, what names them together.
    {
        "source_matchers": ['alertname="JobDown"'],
        "target_matchers": ['alertname=~"TargetDown|TargetsDropped|NodeDown"'],
        "equal": ["environment", "region", "job"],
    },
    {
        "source_matchers": ['alertname="TargetDown"'],
        "target_matchers": ['alertname="NodeDown"'],
        "equal": ["environment", "region", "job"],
    },
    # A host that is down, over what runs on it; also where it is hidden itself. Not over what is
    # critical: NodeDown itself pages nobody, and it may be the host's node_exporter alone.
    {
        "source_matchers": ['alertname="NodeDown"'],
        "target_matchers": ['alertname!="NodeDown"', 'severity=~"warning|info"'],
        "equal": ["environment", "region", "instance"],
    },
    # The tasks of ECS on it, too, which are instances of their own. A label that neither has would
    # count as equal.
    {
        "source_matchers": ['alertname="NodeDown"', 'instance_id=~".+"'],
        "target_matchers": [
            *('alertname!="NodeDown"', 'severity=~"warning|info"', 'instance_id=~".+"'),
        ],
        "equal": ["environment", "region", "instance_id"],
    },
)


def _notify_times(routing: Routing) -> list[Document]:
    interval: Document = {}
    if routing.notify_days:
        interval["weekdays"] = [routing.notify_days]
    if routing.notify_hours:
        start, _, end = routing.notify_hours.partition("-")
        interval["times"] = [{"start_time": start, "end_time": end}]
    if not interval:
        return []
    return [{"name": NOTIFY_TIMES, "time_intervals": [{**interval, "location": routing.time_zone}]}]


def _receivers(routing: Routing) -> list[Document]:
    used: Mapping[str, Collection[str]] = {
        "page": routing.page_with,
        "notify": routing.notify_with,
        **{name: [name] for name in routing.integrations},
    }
    found: list[Document] = [{"name": "none"}]
    if routing.watchdog:
        # A resolve would look like a sign of life.
        watchdog = {"url_file": _secret_file("watchdog"), "send_resolved": False}
        found.append({"name": "watchdog", "webhook_configs": [watchdog]})
    for receiver, integrations in used.items():
        configs = {
            f"{name}_configs": [{"send_resolved": True, **_integration(name, routing)}]
            for name in integrations
        }
        found.append({"name": receiver, **configs})
    return found


def _secret_file(name: str) -> str:
    return f"secrets/{SECRETS[name]}"


def _integration(name: str, routing: Routing) -> Document:
    subject = '{{ template "subject" . }}'
    text = '{{ template "text" . }}'
    match name:
        case "sns":
            # Signed by the task's role.
            return {
                "topic_arn": routing.topic_arn,
                "sigv4": {"region": routing.region},
                "subject": subject,
                "message": text,
            }
        case "slack":
            return {
                "api_url_file": _secret_file(name),
                "title": subject,
                "title_link": "{{ .ExternalURL }}",
                "text": '{{ template "slack_text" . }}',
                "fallback": subject,
                "color": '{{ template "slack_color" . }}',
            }
        case "pagerduty":
            return {
                "routing_key_file": _secret_file(name),
                "description": subject,
                "severity": '{{ if eq .CommonLabels.severity "critical" }}critical'
                "{{ else }}warning{{ end }}",
                "client": "Alertmanager",
                "client_url": "{{ .ExternalURL }}",
                "details": {"alerts": text},
            }
        case "opsgenie":
            return {
                "api_key_file": _secret_file(name),
                "message": subject,
                "description": text,
                "source": "{{ .ExternalURL }}",
                "priority": '{{ if eq .CommonLabels.severity "critical" }}P1{{ else }}P3{{ end }}',
            }
        case _:
            return {"url_file": _secret_file(name)}  # Alertmanager's own JSON, with everything
