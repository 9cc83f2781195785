"""What costs money, and where less of it would do."""

from grafana_foundation_sdk.models import units

from dashboards.hosts import NETWORK, TO_HOST
from dashboards.model import (
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

IDLE = 0.1
"""Candidates for a smaller size: nine parts in ten of their CPUs are idle, nearly always."""

BUSY = 0.8
"""Candidates for a larger size."""

CPU = "quantile_over_time(0.95, instance:node_cpu_utilisation:rate5m{SCOPE}[$__range])"
MEMORY = "max_over_time(instance:node_memory_utilisation:ratio{SCOPE}[$__range])"
HOST = "by (instance, instance_type, availability_zone)"
SIZE = Limits(warning=BUSY, critical=0.95)

DASHBOARD = Dashboard(
    uid="usage",
    title="Usage and cost",
    description="What the bill follows: series and samples, disk and memory of Prometheus, hosts by"
    " size and zone, traffic; and the hosts that another size would fit better.",
    scope=SCOPE,
    variables=(
        ENVIRONMENT,
        REGION,
        job(f"up{{{PLACE}}}"),
        instance(f'up{{{PLACE}, job=~"$job"}}', all_value=".*"),
    ),
    period="7d",
    rows=(
        Row(
            "Series and samples",
            (
                stat(
                    "Series",
                    "In the memory of all the servers.",
                    units.Short,
                    Query(f"sum(prometheus_tsdb_head_series{{{PLACE}}})"),
                ),
                stat(
                    "Samples",
                    "Stored each second by all the servers.",
                    units.CountsPerSecond,
                    Query(f"sum(rate(prometheus_tsdb_head_samples_appended_total{{{PLACE}}}[5m]))"),
                ),
                stat(
                    "Memory for a series",
                    "Resident memory, divided by the number of series; 3 to 8 kB is usual.",
                    units.BytesIEC,
                    Query(
                        f"sum(process_resident_memory_bytes{{{PLACE}}}"
                        f" and prometheus_tsdb_head_series{{{PLACE}}})"
                        f" / sum(prometheus_tsdb_head_series{{{PLACE}}})"
                    ),
                ),
                stat(
                    "Disk in use",
                    "Blocks, log and head chunks of all the servers.",
                    units.BytesSI,
                    Query(
                        f"sum(prometheus_tsdb_storage_blocks_bytes{{{PLACE}}}"
                        f" + prometheus_tsdb_wal_storage_size_bytes{{{PLACE}}}"
                        f" + prometheus_tsdb_head_chunks_storage_size_bytes{{{PLACE}}})"
                    ),
                ),
                stat(
                    "Share of the retention size",
                    "At 1, the oldest samples are deleted before their time.",
                    units.PercentUnit,
                    Query(
                        f"max(prometheus_tsdb_storage_blocks_bytes{{{PLACE}}}"
                        f" / (prometheus_tsdb_retention_limit_bytes{{{PLACE}}} > 0))"
                    ),
                ),
                stat(
                    "Samples go back",
                    "To the oldest one.",
                    units.DurationSeconds,
                    Query(f"max(time() - prometheus_tsdb_lowest_timestamp_seconds{{{PLACE}}})"),
                ),
                graph(
                    "Series by job",
                    "What the targets of a job expose: a job that grows makes Prometheus grow.",
                    units.Short,
                    Query("sum by (job) (scrape_samples_post_metric_relabeling{SCOPE})", "{{job}}"),
                    stacked=True,
                ),
                graph(
                    "Samples by job",
                    "Each second: a longer scrape interval makes them fewer.",
                    units.CountsPerSecond,
                    Query(
                        "sum by (job)"
                        " (sum_over_time(scrape_samples_post_metric_relabeling{SCOPE}[5m])) / 300",
                        "{{job}}",
                    ),
                    stacked=True,
                ),
                graph(
                    "New series by job",
                    "In the hour before. Many: a label has a new value again and again.",
                    units.Short,
                    Query(
                        "sum by (job) (sum_over_time(scrape_series_added{SCOPE}[1h]))", "{{job}}"
                    ),
                ),
                table(
                    "Targets with the most series",
                    "The twenty largest.",
                    units.Short,
                    {"job": "Job", "instance": "Target"},
                    Query(
                        "topk(20, max by (job, instance)"
                        " (scrape_samples_post_metric_relabeling{SCOPE}))",
                        "Series",
                    ),
                    width=12,
                    height=8,
                ),
            ),
        ),
        Row(
            "Storage and memory of Prometheus",
            (
                graph(
                    "Disk by use",
                    "Blocks, and what is not in a block yet.",
                    units.BytesSI,
                    Query(f"sum(prometheus_tsdb_storage_blocks_bytes{{{PLACE}}})", "blocks"),
                    Query(f"sum(prometheus_tsdb_wal_storage_size_bytes{{{PLACE}}})", "log"),
                    Query(
                        f"sum(prometheus_tsdb_head_chunks_storage_size_bytes{{{PLACE}}})",
                        "head chunks",
                    ),
                    stacked=True,
                ),
                graph(
                    "Memory of the servers",
                    "Resident, and the limit that Prometheus sets itself: 90 % of the container's.",
                    units.BytesIEC,
                    Query(
                        f"process_resident_memory_bytes{{{PLACE}}}"
                        f" and prometheus_tsdb_head_series{{{PLACE}}}",
                        "{{instance}}",
                    ),
                    Query(
                        f"go_gc_gomemlimit_bytes{{{PLACE}}}"
                        f" and prometheus_tsdb_head_series{{{PLACE}}}",
                        "{{instance}} limit",
                    ),
                ),
            ),
        ),
        Row(
            "Hosts",
            (
                stat(
                    "Hosts",
                    "That Prometheus knows.",
                    units.Short,
                    Query('count(up{SCOPE, instance_type!=""})'),
                    width=6,
                ),
                stat(
                    "CPUs",
                    "Of all these hosts.",
                    units.Short,
                    Query("sum(instance:node_num_cpu:sum{SCOPE})"),
                    width=6,
                ),
                stat(
                    "Idle hosts",
                    "Candidates for a smaller size: in 95 % of the time shown, less than 10 % of"
                    " their CPUs was in use.",
                    units.Short,
                    Query(f"sum({CPU} < bool {IDLE})"),
                    width=6,
                ),
                stat(
                    "Overloaded hosts",
                    "Candidates for a larger size: in 5 % of the time shown, more than 80 % of"
                    " their CPUs was in use, or at some time of their memory.",
                    units.Short,
                    Query(f"sum(({CPU} > bool {BUSY}) or ({MEMORY} > bool {BUSY}))"),
                    limits=Limits(warning=1),
                    width=6,
                ),
                graph(
                    "Hosts by type",
                    "Each instance type has its price.",
                    units.Short,
                    Query(
                        'count by (instance_type) (up{SCOPE, instance_type!=""})',
                        "{{instance_type}}",
                    ),
                    stacked=True,
                ),
                graph(
                    "Hosts by zone",
                    "Traffic between zones is charged.",
                    units.Short,
                    Query(
                        'count by (availability_zone) (up{SCOPE, availability_zone!=""})',
                        "{{availability_zone}}",
                    ),
                    stacked=True,
                ),
                table(
                    "Hosts and their size",
                    "Over the time shown. Little CPU and little memory in use: a smaller instance"
                    " type would do. Load above 1 and stolen time: a larger one.",
                    units.PercentUnit,
                    {
                        "instance": "Host",
                        "instance_type": "Type",
                        "availability_zone": "Zone",
                    },
                    Query(f"max {HOST} (instance:node_num_cpu:sum{{SCOPE}})", "CPUs", units.Short),
                    Query(
                        f"max {HOST} (node_memory_MemTotal_bytes{{SCOPE}})",
                        "Memory",
                        units.BytesIEC,
                    ),
                    Query(
                        f"max {HOST}"
                        " (avg_over_time(instance:node_cpu_utilisation:rate5m{SCOPE}[$__range]))",
                        "CPU, mean",
                    ),
                    Query(f"max {HOST} ({CPU})", "CPU, 95 %", limits=SIZE),
                    Query(f"max {HOST} ({MEMORY})", "Memory, highest", limits=SIZE),
                    Query(
                        f"max {HOST}"
                        " (max_over_time(instance:node_load1_per_cpu:ratio{SCOPE}[$__range]))",
                        "Load per CPU, highest",
                        units.Short,
                        Limits(warning=2),
                    ),
                    Query(
                        f"max {HOST} (avg_over_time("
                        'instance_mode:node_cpu:ratio_rate5m{SCOPE, mode="steal"}[$__range]))',
                        "Stolen time, mean",
                        limits=Limits(warning=0.1),
                    ),
                    links={"Host": TO_HOST},
                ),
            ),
        ),
        Row(
            "Network",
            (
                graph(
                    "Sent, by zone",
                    "Without loopback and containers' interfaces. What leaves a zone is charged.",
                    units.BytesPerSecondSI,
                    Query(
                        "sum by (availability_zone)"
                        " (instance:node_network_transmit_bytes_physical:rate5m{SCOPE})",
                        "{{availability_zone}}",
                        needs=NETWORK,
                    ),
                    stacked=True,
                ),
                graph(
                    "Received, by zone",
                    "Without loopback and containers' interfaces.",
                    units.BytesPerSecondSI,
                    Query(
                        "sum by (availability_zone)"
                        " (instance:node_network_receive_bytes_physical:rate5m{SCOPE})",
                        "{{availability_zone}}",
                        needs=NETWORK,
                    ),
                    stacked=True,
                ),
                table(
                    "Hosts with the most traffic",
                    "Over the time shown; the twenty that send most.",
                    units.BytesSI,
                    {
                        "instance": "Host",
                        "instance_type": "Type",
                        "availability_zone": "Zone",
                    },
                    Query(
                        f"topk(20, sum {HOST} (increase("
                        'node_network_transmit_bytes_total{SCOPE, device!~"lo|veth.+|docker.+|br-.+'
                        '|ifb.+|cni.+"}[$__range])))',
                        "Sent",
                        needs=NETWORK,
                    ),
                    links={"Host": TO_HOST},
                    height=8,
                ),
            ),
        ),
    ),
)
