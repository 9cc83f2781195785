"""The dashboard of the pizza service; `make docs` writes its JSON."""

from pathlib import Path

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
    job,
    stat,
)

_MONITORING = Path(__file__).parent / "monitoring"

FILE = _MONITORING / "grafana" / "dashboards" / "pizza.json"

ADMITTED = 0.005
"""Share of the orders that the objective admits to fail, in 30 days: rules.d/pizza.yml."""

HIGH = Limits(warning=20_000)
FAILING = Limits(critical=500)
BUDGET_LEFT = Limits(warning=0.25, critical=0, below=True)
"""Less than a quarter of it, and none."""

LEFT = f"1 - job:pizza_orders_failed:ratio_rate30d{{SCOPE}} / {ADMITTED}"
HOURLY = "job_outcome:pizza_orders:increase1h"
DURATION = "job_route:pizza_http_request_duration_seconds"

NOW = Row(
    "Now",
    (
        stat(
            "Created",
            "Orders of the last hour; about 10,000 are expected.",
            units.Short,
            Query(f'sum({HOURLY}{{SCOPE, outcome="created"}})'),
            limits=HIGH,
        ),
        stat(
            "Failed",
            "Orders of the last hour that failed through our fault.",
            units.Short,
            Query(f'sum({HOURLY}{{SCOPE, outcome="failed"}})'),
            limits=FAILING,
        ),
        stat(
            "Error budget left",
            "Of the orders that may fail in 30 days, or in what Prometheus keeps of them.",
            units.PercentUnit,
            Query(f"min({LEFT})"),
            limits=BUDGET_LEFT,
        ),
        stat(
            "Earned",
            "Price of the orders created in the last hour.",
            units.Euro,
            Query("sum(increase(pizza_revenue_euros_total{SCOPE}[1h]))"),
        ),
        stat(
            "Tasks",
            "Tasks of the service that Prometheus can scrape.",
            units.Short,
            Query("count(up{SCOPE} == 1)"),
        ),
        stat(
            "Alerts that fire",
            "About the service, whatever the severity.",
            units.Short,
            Query('count(ALERTS{SCOPE, alertstate="firing"}) or vector(0)'),
            limits=Limits(warning=ANY),
        ),
    ),
)

ORDERS = Row(
    "Orders",
    (
        graph(
            "Orders a minute",
            "By outcome; rejected: the customer's mistake, failed: ours. Mean of 5 minutes.",
            units.Short,
            Query("60 * sum by (outcome) (job_outcome:pizza_orders:rate5m{SCOPE})", "{{outcome}}"),
            stacked=True,
            width=8,
        ),
        graph(
            "Created in an hour",
            "In the hour before.",
            units.Short,
            Query(f'{HOURLY}{{SCOPE, outcome="created"}}', "{{job}}"),
            limits=HIGH,
            alerts=("PizzaOrdersHigh",),
            width=8,
        ),
        graph(
            "Failed in an hour",
            "In the hour before.",
            units.Short,
            Query(f'{HOURLY}{{SCOPE, outcome="failed"}}', "{{job}}"),
            limits=FAILING,
            alerts=("PizzaOrdersFailing",),
            width=8,
        ),
    ),
)

OBJECTIVE = Row(
    "Objective: 99.5 % of the orders",
    (
        graph(
            "Orders that fail",
            "Share of those that are not rejected, over the two windows that page; at the lines,"
            " over days and within hours, the alert fires.",
            units.PercentUnit,
            Query("job:pizza_orders_failed:ratio_rate1h{SCOPE}", "{{job}} 1 hour"),
            Query("job:pizza_orders_failed:ratio_rate6h{SCOPE}", "{{job}} 6 hours"),
            Query("job:pizza_orders_failed:ratio_rate3d{SCOPE}", "{{job}} 3 days"),
            limits=Limits(warning=ADMITTED, critical=0.03),
            alerts=("PizzaErrorBudgetBurn",),
        ),
        graph(
            "Error budget",
            "Of the 0.5 % that may fail in 30 days, or in what Prometheus keeps of them.",
            units.PercentUnit,
            Query(LEFT, "{{job}}"),
            limits=BUDGET_LEFT,
            maximum=1,
        ),
    ),
)

MONEY = Row(
    "Money",
    (
        graph(
            "Earned in an hour",
            "Price of the orders created in the hour before.",
            units.Euro,
            Query("sum by (job) (increase(pizza_revenue_euros_total{SCOPE}[1h]))", "{{job}}"),
        ),
        graph(
            "Price of an order",
            "Mean of those created in the hour before.",
            units.Euro,
            Query(
                "sum by (job) (increase(pizza_revenue_euros_total{SCOPE}[1h]))"
                ' / sum by (job) (increase(pizza_orders_total{SCOPE, outcome="created"}[1h]))',
                "{{job}}",
            ),
        ),
    ),
)

REQUESTS = Row(
    "Requests",
    (
        graph(
            "Time of an order",
            "From the request to its answer: so many are answered within it.",
            units.Seconds,
            *(
                Query(f'max({DURATION}:p{share}_rate5m{{SCOPE, route="/orders"}})', f"{share} %")
                for share in (50, 95, 99)
            ),
        ),
        graph(
            "Requests by answer",
            "Those that the service does not know have the route and method unknown.",
            units.RequestsPerSecond,
            Query(
                "sum by (method, route, status)"
                " (job_method_route_status:pizza_http_requests:rate5m{SCOPE})",
                "{{method}} {{route}} {{status}}",
            ),
        ),
    ),
)

DASHBOARD = Dashboard(
    uid="pizza",
    title="Pizza service",
    description="Orders, those that fail, how long they take, and what they bring.",
    rules=_MONITORING / "prometheus" / "rules.d",
    scope=f'{PLACE}, job=~"$job"',
    variables=(ENVIRONMENT, REGION, job(f"pizza_orders_total{{{PLACE}}}")),
    rows=(NOW, ORDERS, OBJECTIVE, MONEY, REQUESTS),
)
