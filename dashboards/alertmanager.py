"""Alertmanager: what it gets, holds back and sends, and whether its replicas agree."""

from grafana_foundation_sdk.models import units

from dashboards.model import (
    ANY,
    ENVIRONMENT,
    PLACE,
    REGION,
    Dashboard,
    Limits,
    Query,
    Row,
    graph,
    instance,
    job,
    stat,
)

SCOPE = f'{PLACE}, job=~"$job", instance=~"$instance"'

USED = "and on (integration) sum by (integration) (alertmanager_notifications_total{SCOPE}) > 0"
"""Alertmanager has series of every kind of receiver that there is: only those that were used."""

SENT = "alertmanager_notifications_total > 0"
SUPPRESSED = "alertmanager_notifications_suppressed_total"
SHARE = Limits(warning=0.01)
"""As alertmanager-mixin has it."""

NOW = Row(
    "Now",
    (
        stat(
            "Version",
            "Of the replicas that run; several: an update is under way, or was forgotten.",
            units.NoUnit,
            Query("count by (version) (alertmanager_build_info{SCOPE})", "{{version}}"),
            width=3,
            text=True,
        ),
        stat(
            "Replicas down",
            "Share of the replicas that DNS knows and Prometheus cannot scrape.",
            units.PercentUnit,
            Query("1 - avg(up{SCOPE})"),
            limits=Limits(critical=0.5),
            alerts=("AlertmanagerClusterDown",),
            width=3,
        ),
        stat(
            "Replicas in the cluster",
            "As the replica sees it that knows fewest. Two clusters of one page twice.",
            units.Short,
            Query("min(alertmanager_cluster_members{SCOPE})"),
            alerts=("AlertmanagerMembersInconsistent",),
            width=3,
        ),
        stat(
            "Failed peers",
            "As the replica sees it that misses most.",
            units.Short,
            Query("max(alertmanager_cluster_failed_peers{SCOPE})"),
            limits=Limits(warning=ANY),
            width=3,
        ),
        stat(
            "Configuration",
            "Whether every replica runs with the configuration that it was given last.",
            units.BoolYesNo,
            Query("min(alertmanager_config_last_reload_successful{SCOPE})"),
            limits=Limits(critical=ANY, below=True),
            alerts=("AlertmanagerFailedReload",),
            width=3,
        ),
        stat(
            "Different configurations",
            "1, or the replicas disagree.",
            units.Short,
            Query('count(count_values("hash", alertmanager_config_hash{SCOPE}))'),
            limits=Limits(critical=2),
            alerts=("AlertmanagerConfigInconsistent",),
            width=3,
        ),
        stat(
            "Alerts",
            "Active ones, which are neither silenced nor inhibited.",
            units.Short,
            Query('max(alertmanager_alerts{SCOPE, state="active"})'),
            width=3,
        ),
        stat(
            "Silences",
            "In force now.",
            units.Short,
            Query('max(alertmanager_silences{SCOPE, state="active"})'),
            width=3,
        ),
    ),
)

ALERTS = Row(
    "Alerts and silences",
    (
        graph(
            "Alerts by state",
            "As each replica has them; suppressed: silenced, inhibited or muted.",
            units.Short,
            Query("alertmanager_alerts{SCOPE}", "{{instance}} {{state}}"),
        ),
        graph(
            "Alerts received",
            "From Prometheus, which sends each alert to every replica again and again; and those"
            " that are not valid.",
            units.CountsPerSecond,
            Query(
                "sum by (instance, status) (rate(alertmanager_alerts_received_total{SCOPE}[5m]))",
                "{{instance}} {{status}}",
            ),
            Query(
                "sum by (instance) (rate(alertmanager_alerts_invalid_total{SCOPE}[5m]))",
                "{{instance}} invalid",
            ),
        ),
        graph(
            "Silences by state",
            "As each replica has them: they agree, or the cluster is split.",
            units.Short,
            Query("alertmanager_silences{SCOPE}", "{{instance}} {{state}}"),
        ),
        graph(
            "Notifications held back",
            "And why: silenced, inhibited, or outside of their hours.",
            units.CountsPerSecond,
            Query(
                f"sum by (reason) (rate({SUPPRESSED}{{SCOPE}}[5m]))",
                "{{reason}}",
                needs=SUPPRESSED,
            ),
        ),
    ),
)

NOTIFICATIONS = Row(
    "Notifications",
    (
        graph(
            "Notifications sent",
            "By kind of receiver, whether they arrived or not.",
            units.CountsPerSecond,
            Query(
                "sum by (integration) (rate(alertmanager_notifications_total{SCOPE}[5m]))"
                f" {USED}",
                "{{integration}}",
                needs=SENT,
            ),
        ),
        graph(
            "Notifications that failed",
            "Share of those by kind of receiver, after all attempts; 0 when there was none.",
            units.PercentUnit,
            Query(
                "sum by (integration) (rate(alertmanager_notifications_failed_total{SCOPE}[5m]))"
                " / clamp_min(sum by (integration)"
                " (rate(alertmanager_notifications_total{SCOPE}[5m])), 1e-9)"
                f" {USED}",
                "{{integration}}",
                needs=SENT,
            ),
            limits=SHARE,
            alerts=("AlertmanagerFailedToSendAlerts", "AlertmanagerClusterFailedToSendAlerts"),
            maximum=1,
        ),
        graph(
            "Why they failed",
            "Notifications that failed in the 5 minutes before.",
            units.Short,
            Query(
                "sum by (integration, reason)"
                " (increase(alertmanager_notifications_failed_total{SCOPE}[5m])) > 0",
                "{{integration}} {{reason}}",
                empty_when_healthy="no notification has failed",
            ),
            limits=Limits(warning=ANY),
        ),
        graph(
            "Time of a notification",
            "From the request to the receiver's answer, on average; 0 when there was none.",
            units.Seconds,
            Query(
                "sum by (integration)"
                " (rate(alertmanager_notification_latency_seconds_sum{SCOPE}[5m]))"
                " / clamp_min(sum by (integration)"
                " (rate(alertmanager_notification_latency_seconds_count{SCOPE}[5m])), 1e-9)"
                f" {USED}",
                "{{integration}}",
                needs=SENT,
            ),
        ),
    ),
)

CLUSTER = Row(
    "Cluster",
    (
        graph(
            "Replicas",
            "How many each replica knows, and how many of them it has lost.",
            units.Short,
            Query("alertmanager_cluster_members{SCOPE}", "{{instance}} knows"),
            Query("alertmanager_cluster_failed_peers{SCOPE}", "{{instance}} has lost"),
            width=8,
        ),
        graph(
            "Gossip",
            "Messages that each replica sends and receives.",
            units.MessagesPerSecond,
            Query(
                "sum by (instance) (rate(alertmanager_cluster_messages_sent_total{SCOPE}[5m]))",
                "{{instance}} sends",
            ),
            Query(
                "sum by (instance) (rate(alertmanager_cluster_messages_received_total{SCOPE}[5m]))",
                "{{instance}} receives",
            ),
            width=8,
        ),
        graph(
            "Gossip that waits",
            "Messages in the queue of each replica, and its health score: 0 is well.",
            units.Short,
            Query("alertmanager_cluster_messages_queued{SCOPE}", "{{instance}} waiting"),
            Query("alertmanager_cluster_health_score{SCOPE}", "{{instance}} health score"),
            width=8,
        ),
    ),
)

RESOURCES = Row(
    "Requests and resources",
    (
        graph(
            "Time of a request",
            "To the API, on average; 0 when there was none.",
            units.Seconds,
            Query(
                "sum by (handler, method)"
                " (rate(alertmanager_http_request_duration_seconds_sum{SCOPE}[5m]))"
                " / clamp_min(sum by (handler, method)"
                " (rate(alertmanager_http_request_duration_seconds_count{SCOPE}[5m])), 1e-9)",
                "{{method}} {{handler}}",
            ),
            width=8,
        ),
        graph(
            "Memory",
            "Resident.",
            units.BytesIEC,
            Query("process_resident_memory_bytes{SCOPE}", "{{instance}}"),
            width=8,
        ),
        graph(
            "Restarts",
            "In the hour before.",
            units.Short,
            Query("changes(process_start_time_seconds{SCOPE}[1h])", "{{instance}}"),
            alerts=("AlertmanagerClusterCrashlooping",),
            width=8,
        ),
    ),
)

DASHBOARD = Dashboard(
    uid="alertmanager",
    title="Alertmanager",
    description="What it gets, what it holds back, what it sends, and whether its replicas agree.",
    needs="alertmanager_build_info",
    scope=SCOPE,
    variables=(
        ENVIRONMENT,
        REGION,
        job(f"alertmanager_build_info{{{PLACE}}}"),
        instance(f'alertmanager_build_info{{{PLACE}, job=~"$job"}}', all_value=".*"),
    ),
    rows=(NOW, ALERTS, NOTIFICATIONS, CLUSTER, RESOURCES),
)
