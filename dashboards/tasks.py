"""The tasks of ECS services: which there are, in which version, and whether they are up."""

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
    cluster,
    graph,
    job,
    stat,
    table,
    timeline,
)

TASKS = f'up{{{PLACE}, task!=""}}'
SCOPE = f'{PLACE}, cluster=~"$cluster", job=~"$job", task!=""'
OF_CLUSTERS = f'{PLACE}, cluster=~"$cluster"'
OF_JOBS = f'{PLACE}, job=~"$job"'
EXPECTED = "job:ecs_tasks_expected:sum"

DASHBOARD = Dashboard(
    uid="tasks",
    title="Tasks",
    description="The tasks of ECS services that carry the tag prometheus-metrics.",
    scope=SCOPE,
    needs=TASKS,
    variables=(
        ENVIRONMENT,
        REGION,
        cluster(TASKS),
        job(f'up{{{PLACE}, cluster=~"$cluster", task!=""}}', all_value=".*"),
    ),
    rows=(
        Row(
            "Now",
            (
                stat(
                    "Tasks",
                    "That run, as ECS says, and that Prometheus scrapes.",
                    units.Short,
                    Query("count(count by (cluster, task) (up{SCOPE}))"),
                    width=6,
                ),
                stat(
                    "Targets down",
                    "Endpoints of tasks that Prometheus cannot scrape; a task has up to three.",
                    units.Short,
                    Query("sum(up{SCOPE} == bool 0)"),
                    limits=Limits(critical=ANY),
                    width=6,
                ),
                stat(
                    "Tasks missing",
                    "Of the jobs with a least number of tasks, how many are not found.",
                    units.Short,
                    Query(
                        f"sum(clamp_min({EXPECTED}{{{OF_JOBS}}} - (job:ecs_tasks:count{{{OF_JOBS}}}"
                        f" or 0 * {EXPECTED}{{{OF_JOBS}}}), 0))",
                        needs=EXPECTED,
                    ),
                    limits=Limits(critical=ANY),
                    alerts=("ECSTasksMissing",),
                    width=6,
                ),
                stat(
                    "Clusters",
                    "In which there is a task.",
                    units.Short,
                    Query(f"count(cluster:ecs_tasks:count{{{OF_CLUSTERS}}})"),
                    width=6,
                ),
            ),
        ),
        Row(
            "Over time",
            (
                graph(
                    "Tasks by job",
                    "A deployment shows as more tasks for a while, a failure as fewer.",
                    units.Short,
                    Query(f"job:ecs_tasks:count{{{OF_JOBS}}}", "{{job}}"),
                    Query(f"{EXPECTED}{{{OF_JOBS}}}", "{{job}}, the least number", needs=EXPECTED),
                ),
                graph(
                    "Tasks by cluster",
                    "A line that ends: discovery does not see the cluster any more.",
                    units.Short,
                    Query(f"cluster:ecs_tasks:count{{{OF_CLUSTERS}}}", "{{cluster}}"),
                    alerts=("ECSClusterWithoutTasks",),
                ),
                graph(
                    "Tasks by version",
                    "The family and revision of the task definition: how a deployment goes on.",
                    units.Short,
                    Query(
                        f'version:ecs_tasks:count{{{OF_CLUSTERS}, job=~"$job"}}',
                        "{{job}} {{version}}",
                    ),
                    stacked=True,
                ),
                graph(
                    "Tasks by zone",
                    "Those of one zone fail together.",
                    units.Short,
                    Query(
                        "count by (availability_zone)"
                        " (count by (availability_zone, task) (up{SCOPE}))",
                        "{{availability_zone}}",
                    ),
                    stacked=True,
                ),
                graph(
                    "Different tasks within an hour",
                    "Of one version. Many more than run together: they do not live long.",
                    units.Short,
                    Query(
                        "count by (cluster, service, version)"
                        " (count by (cluster, service, version, task)"
                        " (present_over_time(up{SCOPE}[1h])))",
                        "{{service}} {{version}}",
                    ),
                    alerts=("ECSTasksReplacedOften",),
                ),
                graph(
                    "Tasks that discovery finds",
                    "All those of the clusters, with the tag and without. When it falls and"
                    " recovers again and again, calls to AWS fail.",
                    units.Short,
                    Query('prometheus_sd_discovered_targets{config="ecs_tasks-1"}', "{{instance}}"),
                    alerts=("ECSDiscoveryUnsteady",),
                ),
                timeline(
                    "Down",
                    "When an endpoint of a task could not be scraped.",
                    units.Short,
                    Query(
                        "up{SCOPE} == 0",
                        "{{job}} {{instance}}",
                        empty_when_healthy="every task is up",
                    ),
                ),
            ),
        ),
        Row(
            "Each",
            (
                table(
                    "Tasks and their endpoints",
                    "All of them: 1 is up.",
                    units.Short,
                    {
                        "cluster": "Cluster",
                        "job": "Job",
                        "task": "Task",
                        "version": "Version",
                        "availability_zone": "Zone",
                        "instance": "Address",
                    },
                    Query(
                        "max by (cluster, job, task, version, availability_zone, instance)"
                        " (up{SCOPE})",
                        "Up",
                        limits=Limits(critical=0.5, below=True),
                    ),
                ),
            ),
        ),
    ),
)
