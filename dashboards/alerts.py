"""The alerts, now and over time, whatever they are about."""

from grafana_foundation_sdk.models import units

from dashboards.hosts import TO_HOST
from dashboards.model import (
    ANY,
    ENVIRONMENT,
    PLACE,
    REGION,
    Dashboard,
    Limits,
    Query,
    Row,
    alert_list,
    graph,
    instance,
    job,
    stat,
    table,
    timeline,
)

SCOPE = f'{PLACE}, job=~"$job", instance=~"$instance"'


def _number(selector: str) -> Query:
    return Query(f"count(ALERTS{{SCOPE, {selector}}}) or vector(0)")


DASHBOARD = Dashboard(
    uid="alerts",
    title="Alerts",
    description="What fires, what is about to, and what has fired. Prometheus evaluates the rules,"
    " Alertmanager tells people.",
    scope=SCOPE,
    # All is everything: some alerts have no job and no instance.
    variables=(
        ENVIRONMENT,
        REGION,
        job(f"up{{{PLACE}}}", all_value=".*"),
        instance(f'up{{{PLACE}, job=~"$job"}}', all_value=".*"),
    ),
    rows=(
        Row(
            "Now",
            (
                stat(
                    "Critical",
                    "Somebody acts now.",
                    units.Short,
                    _number('alertstate="firing", severity="critical"'),
                    limits=Limits(critical=ANY),
                ),
                stat(
                    "Warning",
                    "Somebody acts within a working day.",
                    units.Short,
                    _number('alertstate="firing", severity="warning"'),
                    limits=Limits(warning=ANY),
                ),
                stat(
                    "Info",
                    "Nobody is woken: it explains other alerts.",
                    units.Short,
                    _number('alertstate="firing", severity="info"'),
                    limits=Limits(info=ANY),
                ),
                stat(
                    "Pending",
                    "True, but not for long enough yet.",
                    units.Short,
                    _number('alertstate="pending"'),
                ),
                stat(
                    "Alerting works",
                    "The alert Watchdog always fires. It is silent: no rule is evaluated.",
                    units.BoolYesNo,
                    Query(
                        f'max(ALERTS{{{PLACE}, alertname="Watchdog", alertstate="firing"}})'
                        " or vector(0)"
                    ),
                    limits=Limits(critical=ANY, below=True),
                    alerts=("Watchdog",),
                ),
                stat(
                    "Rules",
                    "Alerting and recording rules that Prometheus evaluates.",
                    units.Short,
                    Query(f"sum(prometheus_rule_group_rules{{{PLACE}}})"),
                ),
                table(
                    "Alerts",
                    "Every alert that is pending or fires, Watchdog among them. A host's name leads"
                    " to its details.",
                    units.DateTimeFromNow,
                    {
                        "severity": "Severity",
                        "alertname": "Alert",
                        "alertstate": "State",
                        "job": "Job",
                        "instance": "Instance",
                    },
                    Query(
                        "min by (severity, alertname, alertstate, job, instance)"
                        " (ALERTS{SCOPE} * ignoring (alertstate) group_left"
                        " ALERTS_FOR_STATE{SCOPE}) * 1000",
                        "Since",
                    ),
                    links={"Instance": TO_HOST},
                ),
                alert_list(
                    "Alerts with their runbooks",
                    "As Prometheus describes them: open one for its summary, its description and"
                    " the link to its runbook.",
                ),
            ),
        ),
        Row(
            "Over time",
            (
                timeline(
                    "When which alert fired",
                    "A gap of Watchdog: no rules were evaluated, so no alert could fire.",
                    units.Short,
                    Query(
                        'count by (alertname, severity) (ALERTS{SCOPE, alertstate="firing"})',
                        "{{alertname}} {{severity}}",
                    ),
                ),
                graph(
                    "Alerts that fire, by severity",
                    "Of severity none is Watchdog alone.",
                    units.Short,
                    Query(
                        'count by (severity) (ALERTS{SCOPE, alertstate="firing"})', "{{severity}}"
                    ),
                    stacked=True,
                ),
                graph(
                    "Alerts that are pending",
                    "True, but not for long enough yet: one that comes and goes wants another"
                    " threshold or duration.",
                    units.Short,
                    Query(
                        'count by (alertname) (ALERTS{SCOPE, alertstate="pending"}) or vector(0)',
                        "{{alertname}}",
                    ),
                ),
                table(
                    "What fired longest",
                    "Of the time shown, all instances of an alert taken together.",
                    units.DurationSeconds,
                    {"alertname": "Alert", "severity": "Severity"},
                    Query(
                        "topk(20, sum by (alertname, severity) (sum_over_time("
                        'ALERTS{SCOPE, alertstate="firing"}[$__range:15s]))) * 15',
                        "Time",
                    ),
                    height=8,
                ),
            ),
        ),
    ),
)
