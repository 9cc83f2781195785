"""All the hosts at one glance."""

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

JOBS = f"node_uname_info{{{PLACE}}}"
IN_JOBS = f'node_uname_info{{{PLACE}, job=~"$job"}}'
SCOPE = f'{PLACE}, job=~"$job", instance=~"$instance"'

CPU = Limits(info=0.9)
MEMORY = Limits(warning=0.9, critical=0.97)
SPACE = Limits(warning=0.05, critical=0.03, below=True)
LOAD = Limits(warning=2)

DISKS = "node_disk_io_time_seconds_total"
FILE_SYSTEMS = 'node_filesystem_avail_bytes{fstype=~"xfs|ext[234]|btrfs|vfat"}'
NETWORK = 'node_network_receive_bytes_total{device!~"lo|veth.+|docker.+|br-.+|ifb.+|cni.+"}'

HOST = "by (instance, instance_type, availability_zone)"
HIGHEST = "The ten hosts with the highest values."
TO_HOST = (
    "/d/host?var-instance=${__value.raw}&${datasource:queryparam}&${environment:queryparam}"
    "&${region:queryparam}&${__url_time_range}"
)
"""What the cells of a column of instances lead to."""

DASHBOARD = Dashboard(
    uid="hosts",
    title="Hosts",
    description="All the hosts at one glance; a host's name leads to its details.",
    scope=SCOPE,
    variables=(ENVIRONMENT, REGION, job(JOBS), instance(IN_JOBS, all_value=".*")),
    rows=(
        Row(
            "Now",
            (
                stat(
                    "Hosts",
                    "Hosts that Prometheus has discovered and tries to scrape.",
                    units.Short,
                    Query("count(up{SCOPE})"),
                ),
                stat(
                    "Down",
                    "Hosts that Prometheus cannot scrape.",
                    units.Short,
                    Query("sum(up{SCOPE} == bool 0)"),
                    limits=Limits(critical=ANY),
                ),
                stat(
                    "Alerts that fire",
                    "On these hosts, whatever the severity.",
                    units.Short,
                    Query('count(ALERTS{SCOPE, alertstate="firing"}) or vector(0)'),
                    limits=Limits(warning=ANY),
                ),
                stat(
                    "CPU in use",
                    "Mean of these hosts. Time stolen or spent waiting for a disk is not use.",
                    units.PercentUnit,
                    Query("avg(instance:node_cpu_utilisation:rate5m{SCOPE})"),
                    limits=CPU,
                ),
                stat(
                    "Memory in use",
                    "Of the memory of all these hosts, what cannot be reclaimed.",
                    units.PercentUnit,
                    Query(
                        "1 - sum(node_memory_MemAvailable_bytes{SCOPE})"
                        " / sum(node_memory_MemTotal_bytes{SCOPE})"
                    ),
                    limits=MEMORY,
                ),
                stat(
                    "Least space left",
                    "Of all the file systems of these hosts, on the fullest one.",
                    units.PercentUnit,
                    Query(
                        "min(instance_mountpoint:node_filesystem_avail:ratio{SCOPE})",
                        needs=FILE_SYSTEMS,
                    ),
                    limits=SPACE,
                ),
            ),
        ),
        Row(
            "Each host",
            (
                table(
                    "Hosts, one by one",
                    "A host's name leads to its details.",
                    units.PercentUnit,
                    {
                        "instance": "Host",
                        "instance_type": "Type",
                        "availability_zone": "Zone",
                    },
                    Query(
                        f"max {HOST} (up{{SCOPE}})",
                        "Up",
                        units.BoolYesNo,
                        Limits(critical=ANY, below=True),
                    ),
                    Query(
                        f"max {HOST} (instance:node_cpu_utilisation:rate5m{{SCOPE}})",
                        "CPU in use",
                        limits=CPU,
                    ),
                    Query(
                        f"max {HOST} (instance:node_load1_per_cpu:ratio{{SCOPE}})",
                        "Load per CPU",
                        units.Short,
                        LOAD,
                    ),
                    Query(
                        f"max {HOST} (instance:node_memory_utilisation:ratio{{SCOPE}})",
                        "Memory in use",
                        limits=MEMORY,
                    ),
                    Query(
                        f"min {HOST} (instance_mountpoint:node_filesystem_avail:ratio{{SCOPE}})",
                        "Least space left",
                        limits=SPACE,
                        needs=FILE_SYSTEMS,
                    ),
                    Query(
                        f"max {HOST}"
                        " (instance:node_network_receive_bytes_physical:rate5m{SCOPE})",
                        "Receives",
                        units.BytesPerSecondSI,
                        needs=NETWORK,
                    ),
                    Query(
                        f"max {HOST}"
                        " (instance:node_network_transmit_bytes_physical:rate5m{SCOPE})",
                        "Sends",
                        units.BytesPerSecondSI,
                        needs=NETWORK,
                    ),
                    Query(
                        f"max {HOST} (time() - node_boot_time_seconds{{SCOPE}})",
                        "Runs since",
                        units.DurationSeconds,
                    ),
                    links={"Host": TO_HOST},
                ),
            ),
        ),
        Row(
            "Over time",
            (
                graph(
                    "CPU in use, highest",
                    HIGHEST,
                    units.PercentUnit,
                    Query("topk(10, instance:node_cpu_utilisation:rate5m{SCOPE})", "{{instance}}"),
                    limits=CPU,
                    maximum=1,
                ),
                graph(
                    "Memory in use, highest",
                    HIGHEST,
                    units.PercentUnit,
                    Query(
                        "topk(10, instance:node_memory_utilisation:ratio{SCOPE})", "{{instance}}"
                    ),
                    limits=MEMORY,
                    maximum=1,
                ),
                graph(
                    "Load per CPU, highest",
                    f"{HIGHEST} Above 1, tasks wait for a CPU or a disk.",
                    units.Short,
                    Query("topk(10, instance:node_load1_per_cpu:ratio{SCOPE})", "{{instance}}"),
                    limits=LOAD,
                ),
                graph(
                    "Space left, lowest",
                    "The ten file systems with the least space.",
                    units.PercentUnit,
                    Query(
                        "bottomk(10, instance_mountpoint:node_filesystem_avail:ratio{SCOPE})",
                        "{{instance}} {{mountpoint}}",
                        needs=FILE_SYSTEMS,
                    ),
                    limits=SPACE,
                    maximum=1,
                ),
                graph(
                    "Network traffic, highest",
                    f"{HIGHEST} Without loopback and containers' interfaces.",
                    units.BytesPerSecondSI,
                    Query(
                        "topk(10, instance:node_network_receive_bytes_physical:rate5m{SCOPE})",
                        "{{instance}} receives",
                        needs=NETWORK,
                    ),
                    Query(
                        "topk(10, instance:node_network_transmit_bytes_physical:rate5m{SCOPE})",
                        "{{instance}} sends",
                        needs=NETWORK,
                    ),
                ),
                graph(
                    "Disks at work, highest",
                    "Share of the time in which a disk was busy: the ten busiest disks.",
                    units.PercentUnit,
                    Query(
                        "topk(10, instance_device:node_disk_io_time_seconds:rate5m{SCOPE})",
                        "{{instance}} {{device}}",
                        needs=DISKS,
                    ),
                    maximum=1,
                ),
            ),
        ),
    ),
)
