"""Prometheus itself: its own alerts, and those on targets of whatever job, lead here."""

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
    table,
)

SCOPE = f'{PLACE}, job=~"$job", instance=~"$instance"'
ALERTMANAGER = "prometheus_notifications_sent_total"
"""Prometheus has these series once it has found an Alertmanager."""

NOW = Row(
    "Now",
    (
        stat(
            "Version",
            "Of the servers that run; several: an update is under way, or was forgotten.",
            units.NoUnit,
            Query("count by (version) (prometheus_build_info{SCOPE})", "{{version}}"),
            width=3,
            text=True,
        ),
        stat(
            "Runs since",
            "The last time that one of the servers was started.",
            units.DurationSeconds,
            Query("min(time() - process_start_time_seconds{SCOPE})"),
            width=3,
        ),
        stat(
            "Configuration",
            "Whether every server runs with the configuration that it was given last.",
            units.BoolYesNo,
            Query("min(prometheus_config_last_reload_successful{SCOPE})"),
            limits=Limits(critical=ANY, below=True),
            alerts=("PrometheusBadConfig",),
            width=3,
        ),
        stat(
            "Down",
            "Of every job.",
            units.Short,
            Query(f"sum(up{{{PLACE}}} == bool 0)"),
            limits=Limits(critical=ANY),
            width=3,
        ),
        stat(
            "Series",
            "In memory: those that had a sample within the last two to three hours.",
            units.Short,
            Query("sum(prometheus_tsdb_head_series{SCOPE})"),
            width=3,
        ),
        stat(
            "Samples",
            "Stored each second.",
            units.CountsPerSecond,
            Query("sum(rate(prometheus_tsdb_head_samples_appended_total{SCOPE}[5m]))"),
            limits=Limits(critical=ANY, below=True),
            width=3,
        ),
        stat(
            "Rules failing",
            "Evaluations that failed within the last 5 minutes.",
            units.Short,
            Query("sum(increase(prometheus_rule_evaluation_failures_total{SCOPE}[5m]))"),
            limits=Limits(critical=ANY),
            width=3,
        ),
        stat(
            "Alertmanagers",
            "Found by every server; 0: nobody is told of any alert.",
            units.Short,
            Query("min(prometheus_notifications_alertmanagers_discovered{SCOPE})"),
            limits=Limits(warning=1, below=True),
            alerts=("PrometheusNotConnectedToAlertmanagers",),
            width=3,
        ),
    ),
)

TARGETS = Row(
    "Targets and discovery",
    (
        graph(
            "Targets",
            "Of each job, whether they answer or not.",
            units.Short,
            Query(f"sum by (job) (job:up:count{{{PLACE}}})", "{{job}}"),
            alerts=("TargetsDropped", "PrometheusNoTargetsDiscovered"),
            width=8,
        ),
        graph(
            "Targets down",
            "Share of each job's targets that Prometheus cannot scrape.",
            units.PercentUnit,
            Query(f"avg by (job) (up{{{PLACE}}} == bool 0)", "{{job}}"),
            limits=Limits(warning=0.1),
            alerts=("TargetDown", "JobDown"),
            maximum=1,
            width=8,
        ),
        graph(
            "Targets against their limit",
            "Share of target_limit: a job that has more is not scraped at all.",
            units.PercentUnit,
            Query(
                "prometheus_target_scrape_pool_targets{SCOPE}"
                " / (prometheus_target_scrape_pool_target_limit{SCOPE} > 0)",
                "{{instance}} {{scrape_job}}",
            ),
            limits=Limits(warning=1),
            alerts=("PrometheusTargetLimitHit",),
            width=8,
        ),
        graph(
            "Discovered",
            "By each discovery, before relabelling.",
            units.Short,
            Query("prometheus_sd_discovered_targets{SCOPE}", "{{instance}} {{name}} {{config}}"),
            width=8,
        ),
        graph(
            "Discoveries that fail",
            "Refreshes that failed in the 10 minutes before, and discoveries that did not start.",
            units.Short,
            Query(
                "increase(prometheus_sd_refresh_failures_total{SCOPE}[10m])",
                "{{instance}} {{mechanism}} {{config}}",
            ),
            Query("prometheus_sd_failed_configs{SCOPE}", "{{instance}} {{name}} not started"),
            limits=Limits(warning=ANY),
            alerts=("PrometheusSDRefreshFailure", "PrometheusDiscoveryMisconfigured"),
            width=8,
        ),
        graph(
            "Targets rejected",
            "Discovered ones that Prometheus cannot use, in the 30 minutes before.",
            units.Short,
            Query(
                "increase(prometheus_target_sync_failed_total{SCOPE}[30m])",
                "{{instance}} {{scrape_job}}",
            ),
            limits=Limits(critical=ANY),
            alerts=("PrometheusTargetSyncFailure",),
            width=8,
        ),
    ),
)

LIMITS = Row(
    "Scrapes and their limits",
    (
        graph(
            "Scrapes refused",
            "Answers that exceeded a limit, in the 5 minutes before: their targets count as down.",
            units.Short,
            Query(
                "increase(prometheus_target_scrapes_exceeded_sample_limit_total{SCOPE}[5m])",
                "{{instance}} too many samples",
            ),
            Query(
                "increase(prometheus_target_scrapes_exceeded_body_size_limit_total{SCOPE}[5m])",
                "{{instance}} too large",
            ),
            Query(
                "increase(prometheus_target_scrape_pool_exceeded_label_limits_total{SCOPE}[5m])",
                "{{instance}} labels too many or too long",
            ),
            limits=Limits(warning=ANY),
            alerts=(
                "PrometheusScrapeSampleLimitHit",
                "PrometheusScrapeBodySizeLimitHit",
                "PrometheusLabelLimitHit",
            ),
            width=8,
        ),
        graph(
            "Largest targets",
            "Samples in a scrape, of the ten targets with the most.",
            units.Short,
            Query(f"topk(10, scrape_samples_scraped{{{PLACE}}})", "{{job}} {{instance}}"),
            width=8,
        ),
        graph(
            "Slowest targets",
            "Time of a scrape, of the ten slowest targets.",
            units.Seconds,
            Query(f"topk(10, scrape_duration_seconds{{{PLACE}}})", "{{job}} {{instance}}"),
            width=8,
        ),
    ),
)

INGESTION = Row(
    "Series and ingestion",
    (
        graph(
            "Series in memory",
            "They decide how much memory Prometheus needs.",
            units.Short,
            Query("prometheus_tsdb_head_series{SCOPE}", "{{instance}}"),
        ),
        graph(
            "Series that come and go",
            "Many of them: a label has a new value again and again.",
            units.CountsPerSecond,
            Query(
                "rate(prometheus_tsdb_head_series_created_total{SCOPE}[5m])", "{{instance}} come"
            ),
            Query("rate(prometheus_tsdb_head_series_removed_total{SCOPE}[5m])", "{{instance}} go"),
        ),
        graph(
            "Samples stored",
            "Each second; none: Prometheus is blind.",
            units.CountsPerSecond,
            Query(
                "sum without (type) (rate(prometheus_tsdb_head_samples_appended_total{SCOPE}[5m]))",
                "{{instance}}",
            ),
            limits=Limits(critical=ANY, below=True),
            alerts=("PrometheusNotIngestingSamples",),
        ),
        graph(
            "Samples dropped",
            "In the 5 minutes before: the same time twice, or older than what is stored.",
            units.Short,
            Query(
                "increase(prometheus_target_scrapes_sample_duplicate_timestamp_total{SCOPE}[5m])",
                "{{instance}} same time",
            ),
            Query(
                "increase(prometheus_target_scrapes_sample_out_of_order_total{SCOPE}[5m])",
                "{{instance}} out of order",
            ),
            limits=Limits(warning=ANY),
            alerts=(
                "PrometheusDuplicateTimestamps",
                "PrometheusOutOfOrderTimestamps",
                "PrometheusClockSetBack",
            ),
        ),
    ),
)

RULES = Row(
    "Rules",
    (
        graph(
            "Evaluation against its interval",
            "Share of the interval that a group of rules takes; at 1, evaluations are left out.",
            units.PercentUnit,
            Query(
                "prometheus_rule_group_last_duration_seconds{SCOPE}"
                " / prometheus_rule_group_interval_seconds{SCOPE}",
                "{{instance}} {{rule_group}}",
            ),
            width=8,
        ),
        graph(
            "Rules that fail",
            "Evaluations that failed in the 5 minutes before: their alerts cannot be trusted.",
            units.Short,
            Query(
                "increase(prometheus_rule_evaluation_failures_total{SCOPE}[5m])",
                "{{instance}} {{rule_group}}",
            ),
            limits=Limits(critical=ANY),
            alerts=("PrometheusRuleFailures",),
            width=8,
        ),
        graph(
            "Evaluations left out",
            "In the 5 minutes before, because those before took too long.",
            units.Short,
            Query(
                "increase(prometheus_rule_group_iterations_missed_total{SCOPE}[5m])",
                "{{instance}} {{rule_group}}",
            ),
            limits=Limits(warning=ANY),
            alerts=("PrometheusMissingRuleEvaluations",),
            width=8,
        ),
    ),
)

NOTIFICATIONS = Row(
    "Notifications to Alertmanager",
    (
        graph(
            "Alerts sent",
            "To each Alertmanager.",
            units.CountsPerSecond,
            Query(
                "rate(prometheus_notifications_sent_total{SCOPE}[5m])",
                "{{instance}} {{alertmanager}}",
                needs=ALERTMANAGER,
            ),
            width=8,
        ),
        graph(
            "Alerts that could not be sent",
            "Share of those to each Alertmanager; 0 when there was none.",
            units.PercentUnit,
            Query(
                "rate(prometheus_notifications_errors_total{SCOPE}[5m])"
                " / clamp_min(rate(prometheus_notifications_errors_total{SCOPE}[5m])"
                " + rate(prometheus_notifications_sent_total{SCOPE}[5m]), 1e-9)",
                "{{instance}} {{alertmanager}}",
                needs=ALERTMANAGER,
            ),
            limits=Limits(warning=0.01, critical=0.03),
            alerts=(
                "PrometheusErrorSendingAlertsToSomeAlertmanagers",
                "PrometheusErrorSendingAlertsToAnyAlertmanager",
            ),
            width=8,
        ),
        graph(
            "Alerts that wait",
            "In the queue of each Alertmanager, and how many it can hold.",
            units.Short,
            Query(
                "prometheus_notifications_queue_length{SCOPE}",
                "{{instance}} {{alertmanager}}",
                needs=ALERTMANAGER,
            ),
            Query("min(prometheus_notifications_queue_capacity{SCOPE})", "room"),
            alerts=("PrometheusNotificationQueueRunningFull",),
            width=8,
        ),
    ),
)

STORAGE = Row(
    "Storage",
    (
        graph(
            "Disk in use",
            "Blocks, and what is not in a block yet.",
            units.BytesSI,
            Query("prometheus_tsdb_storage_blocks_bytes{SCOPE}", "{{instance}} blocks"),
            Query("prometheus_tsdb_wal_storage_size_bytes{SCOPE}", "{{instance}} log"),
            Query(
                "prometheus_tsdb_head_chunks_storage_size_bytes{SCOPE}", "{{instance}} head chunks"
            ),
            stacked=True,
        ),
        graph(
            "Blocks against the retention size",
            "Share of the size from which on the oldest blocks are deleted.",
            units.PercentUnit,
            Query(
                "prometheus_tsdb_storage_blocks_bytes{SCOPE}"
                " / (prometheus_tsdb_retention_limit_bytes{SCOPE} > 0)",
                "{{instance}}",
            ),
            maximum=1,
        ),
        table(
            "What went wrong with the storage",
            "Since the start, the last 3 hours or the last day: 0 everywhere, or data are lost.",
            units.Short,
            {"instance": "Server"},
            *(
                Query(f"sum by (instance) ({expression})", column, limits=Limits(warning=ANY))
                for column, expression in {
                    "Log not written (15m)": (
                        "increase(prometheus_tsdb_wal_writes_failed_total{SCOPE}[15m])"
                    ),
                    "Log corrupted": "prometheus_tsdb_wal_corruptions_total{SCOPE}",
                    "Head chunks corrupted": "prometheus_tsdb_mmap_chunk_corruptions_total{SCOPE}",
                    "Blocks not loaded (3h)": (
                        "increase(prometheus_tsdb_reloads_failures_total{SCOPE}[3h])"
                    ),
                    "Not compacted (3h)": (
                        "increase(prometheus_tsdb_compactions_failed_total{SCOPE}[3h])"
                    ),
                    "Not shortened (3h)": (
                        "increase(prometheus_tsdb_head_truncations_failed_total{SCOPE}[3h])"
                        " + increase(prometheus_tsdb_wal_truncations_failed_total{SCOPE}[3h])"
                        " + increase(prometheus_tsdb_checkpoint_creations_failed_total{SCOPE}[3h])"
                    ),
                    "Deleted early (1d)": (
                        "increase(prometheus_tsdb_size_retentions_total{SCOPE}[1d])"
                    ),
                }.items()
            ),
            alerts=(
                "PrometheusTSDBWALWritesFailing",
                "PrometheusTSDBWALCorrupted",
                "PrometheusTSDBHeadChunksCorrupted",
                "PrometheusTSDBReloadsFailing",
                "PrometheusTSDBCompactionsFailing",
                "PrometheusTSDBTruncationsFailing",
                "PrometheusTSDBRetentionCutShort",
            ),
            height=6,
        ),
    ),
)

RESOURCES = Row(
    "Resources and queries",
    (
        graph(
            "Live memory against its limit",
            "What cannot be freed, of what Prometheus allows itself (90 % of the container's).",
            units.PercentUnit,
            Query("go_gc_heap_live_bytes{SCOPE} / go_gc_gomemlimit_bytes{SCOPE}", "{{instance}}"),
            limits=Limits(warning=0.8),
            alerts=("PrometheusMemoryNearLimit",),
            maximum=1,
            width=8,
        ),
        graph(
            "Memory",
            "Resident memory also counts mapped blocks, which the kernel takes back.",
            units.BytesIEC,
            Query("process_resident_memory_bytes{SCOPE}", "{{instance}} resident"),
            Query("go_gc_heap_live_bytes{SCOPE}", "{{instance}} live"),
            width=8,
        ),
        graph(
            "CPU",
            "CPUs in use.",
            units.Short,
            Query("rate(process_cpu_seconds_total{SCOPE}[5m])", "{{instance}}"),
            width=8,
        ),
        graph(
            "Open files",
            "Share of the file descriptors that Prometheus may have.",
            units.PercentUnit,
            Query("process_open_fds{SCOPE} / process_max_fds{SCOPE}", "{{instance}}"),
            limits=Limits(warning=0.8),
            alerts=("PrometheusFileDescriptorsAlmostExhausted",),
            maximum=1,
            width=8,
        ),
        graph(
            "Queries at a time",
            "Share of those that may run at a time: further ones wait, those of rules among them.",
            units.PercentUnit,
            Query(
                "avg_over_time(prometheus_engine_queries{SCOPE}[5m])"
                " / prometheus_engine_queries_concurrent_max{SCOPE}",
                "{{instance}}",
            ),
            limits=Limits(warning=0.8),
            alerts=("PrometheusHighQueryLoad",),
            maximum=1,
            width=8,
        ),
        graph(
            "Time of a query",
            "Nine in ten take less, in each of its phases.",
            units.Seconds,
            Query(
                'max by (slice) (prometheus_engine_query_duration_seconds{SCOPE, quantile="0.9"})',
                "{{slice}}",
            ),
            width=8,
        ),
        graph(
            "Requests",
            "To the API and the pages, by their answer.",
            units.RequestsPerSecond,
            Query("sum by (code) (rate(prometheus_http_requests_total{SCOPE}[5m]))", "{{code}}"),
            width=8,
        ),
        graph(
            "Servers",
            "Whether each replica answers the one that is asked here. A line ends when it is gone.",
            units.Short,
            Query("up{SCOPE}", "{{instance}}"),
            limits=Limits(warning=1, below=True),
            alerts=("PrometheusReplicaDown",),
            maximum=1,
            width=8,
        ),
        graph(
            "Restarts",
            "In the hour before.",
            units.Short,
            Query("changes(process_start_time_seconds{SCOPE}[1h])", "{{instance}}"),
            limits=Limits(warning=2),
            alerts=("PrometheusRestartingOften",),
            width=8,
        ),
    ),
)

DELIVERED = "configuration_live_info"
"""There is such a series where configuration is delivered while servers run."""

CONFIGURATION = Row(
    "Configuration that is delivered while servers run",
    (
        table(
            "Live",
            "Which version each server runs with; first: the one that its image came with.",
            units.NoUnit,
            {"server": "Server", "instance": "Task", "version": "Version"},
            Query(
                f"max by (server, instance, version) (configuration_live_info{{{PLACE}}})",
                "Live",
                needs=DELIVERED,
            ),
            alerts=("ConfigurationVersionsDiffer",),
            width=8,
            height=8,
        ),
        table(
            "Refused",
            "Which version a server should run with, but cannot, and why.",
            units.NoUnit,
            {"server": "Server", "instance": "Task", "version": "Version", "reason": "Reason"},
            Query(
                "max by (server, instance, version, reason)"
                f" (configuration_refused_info{{{PLACE}}})",
                "Refused",
                empty_when_healthy="no version is refused",
            ),
            alerts=("ConfigurationRefused",),
            width=8,
            height=8,
        ),
        graph(
            "Wanted version last seen live",
            "Time since then. It is looked for every few seconds.",
            units.Seconds,
            Query(
                f"time() - configuration_last_success_timestamp_seconds{{{PLACE}}}",
                "{{server}} {{instance}}",
                needs=DELIVERED,
            ),
            limits=Limits(warning=900),
            alerts=("ConfigurationNotUpdated",),
            width=8,
        ),
    ),
)

DASHBOARD = Dashboard(
    uid="prometheus",
    title="Prometheus",
    description="The servers themselves: what they take in, evaluate, discover, send and store.",
    scope=SCOPE,
    variables=(
        ENVIRONMENT,
        REGION,
        job(f"prometheus_build_info{{{PLACE}}}"),
        instance(f'prometheus_build_info{{{PLACE}, job=~"$job"}}', all_value=".*"),
    ),
    rows=(
        NOW,
        CONFIGURATION,
        TARGETS,
        LIMITS,
        INGESTION,
        RULES,
        NOTIFICATIONS,
        STORAGE,
        RESOURCES,
    ),
)
