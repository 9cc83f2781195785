"""The containers on the hosts of ECS clusters: CPU, memory, network, and what they lack."""

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
    Variable,
    cluster,
    graph,
    stat,
    table,
)

CONTAINERS = f'container_start_time_seconds{{{PLACE}, job="cadvisor"}}'
OF = f'{PLACE}, cluster=~"$cluster", family=~"$family"'
SCOPE = f'{OF}, job="cadvisor"'
RECORDED = f"{{{OF}}}"

THROTTLED = f"task:container_cpu_cfs_throttled_periods:ratio_increase5m{RECORDED}"
MEMORY = f"container:container_memory_working_set:ratio{RECORDED}"
CPU = f"container:container_cpu_usage:rate5m{RECORDED}"
WITH_LIMIT = "container_spec_memory_limit_bytes > 0"
WITH_QUOTA = "container_cpu_cfs_periods_total"
NETWORK = "container_network_receive_bytes_total"
"""Tasks in network mode awsvpc have it in their pause container, those in host mode nowhere."""

CONTAINER = "by (cluster, family, container, task, instance)"
NAME = "{{family}} {{container}} {{task}}"
HIGHEST = "The ten containers with the highest values."

DASHBOARD = Dashboard(
    uid="containers",
    title="Containers",
    description="The containers on the hosts of ECS clusters, as cAdvisor sees them.",
    scope=SCOPE,
    needs=CONTAINERS,
    variables=(
        ENVIRONMENT,
        REGION,
        cluster(CONTAINERS),
        Variable(
            "family",
            "Family",
            "Of task definitions.",
            Query(
                f'label_values(container_start_time_seconds{{{PLACE}, cluster=~"$cluster",'
                ' job="cadvisor"}, family)'
            ),
            all_value=".*",
        ),
    ),
    rows=(
        Row(
            "Now",
            (
                stat(
                    "Containers",
                    "That run on these hosts.",
                    units.Short,
                    Query("count(container_start_time_seconds{SCOPE})"),
                    width=6,
                ),
                stat(
                    "CPUs in use",
                    "By all of them.",
                    units.Short,
                    Query(f"sum({CPU})"),
                    width=6,
                ),
                stat(
                    "Memory in use",
                    "By all of them, without what the kernel can take back.",
                    units.BytesIEC,
                    Query("sum(container_memory_working_set_bytes{SCOPE})"),
                    width=6,
                ),
                stat(
                    "Out of memory",
                    "Processes that the kernel has ended in the time shown, as a container had"
                    " reached its limit.",
                    units.Short,
                    Query("sum(increase(container_oom_events_total{SCOPE}[$__range]))"),
                    limits=Limits(warning=ANY),
                    alerts=("ContainerOOMKilled",),
                    width=6,
                ),
            ),
        ),
        Row(
            "CPU and memory",
            (
                graph(
                    "CPU in use, highest",
                    f"{HIGHEST} 1 is one CPU.",
                    units.Short,
                    Query(f"topk(10, {CPU})", NAME),
                ),
                graph(
                    "Held back, highest",
                    "The ten tasks with the highest values. Share of the periods in which a task"
                    " had used up its CPU.",
                    units.PercentUnit,
                    Query(f"topk(10, {THROTTLED})", "{{family}} {{task}}", needs=WITH_QUOTA),
                    limits=Limits(info=0.25),
                    alerts=("CPUThrottlingHigh",),
                    maximum=1,
                ),
                graph(
                    "Memory of its limit, highest",
                    f"{HIGHEST} Of those that have a limit.",
                    units.PercentUnit,
                    Query(f"topk(10, {MEMORY})", NAME, needs=WITH_LIMIT),
                    limits=Limits(warning=0.9),
                    alerts=("ContainerMemoryNearLimit",),
                    maximum=1,
                ),
                graph(
                    "Memory in use, highest",
                    HIGHEST,
                    units.BytesIEC,
                    Query(
                        f"topk(10, sum {CONTAINER} (container_memory_working_set_bytes{{SCOPE}}))",
                        NAME,
                    ),
                ),
                graph(
                    "Containers by family",
                    "That run together.",
                    units.Short,
                    Query(
                        f"family_container:containers:count{RECORDED}", "{{family}} {{container}}"
                    ),
                    stacked=True,
                ),
                graph(
                    "Different containers within an hour",
                    "Many more than run together: they start again and again.",
                    units.Short,
                    Query(
                        "count by (family, container)"
                        " (present_over_time(container_start_time_seconds{SCOPE}[1h]))",
                        "{{family}} {{container}}",
                    ),
                    alerts=("ContainerRestartingOften",),
                ),
                graph(
                    "Network, received",
                    "By task; all its containers share the network of its pause container.",
                    units.BytesPerSecondSI,
                    Query(
                        "sum by (family, task)"
                        " (rate(container_network_receive_bytes_total{SCOPE}[$__rate_interval]))",
                        "{{family}} {{task}}",
                        needs=NETWORK,
                    ),
                ),
                graph(
                    "Network, sent",
                    "By task.",
                    units.BytesPerSecondSI,
                    Query(
                        "sum by (family, task)"
                        " (rate(container_network_transmit_bytes_total{SCOPE}[$__rate_interval]))",
                        "{{family}} {{task}}",
                        needs=NETWORK,
                    ),
                ),
            ),
        ),
        Row(
            "Each",
            (
                table(
                    "Containers and what they use",
                    "Now.",
                    units.PercentUnit,
                    {
                        "cluster": "Cluster",
                        "family": "Family",
                        "container": "Container",
                        "task": "Task",
                        "instance": "Host",
                    },
                    Query(f"max {CONTAINER} ({CPU})", "CPUs", units.Short),
                    Query(
                        f"sum {CONTAINER} (container_memory_working_set_bytes{{SCOPE}})",
                        "Memory",
                        units.BytesIEC,
                    ),
                    Query(
                        f"max {CONTAINER} ({MEMORY})",
                        "Of its limit",
                        limits=Limits(warning=0.9),
                        needs=WITH_LIMIT,
                    ),
                    links={
                        "Host": (
                            "/d/host?var-instance=${__value.raw}&${datasource:queryparam}"
                            "&${environment:queryparam}&${region:queryparam}&${__url_time_range}"
                        )
                    },
                ),
            ),
        ),
    ),
)
