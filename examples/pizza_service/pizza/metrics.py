"""What others see of the service."""

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

CREATED = "created"
REJECTED = "rejected"
"""The customer's mistake: the order is no order, or not on the menu."""
FAILED = "failed"
"""Ours."""

UNKNOWN = "unknown"
"""Stands for every path and method that the service does not have: a label value of each would
be a series of each, for whoever likes to send some."""

USUAL = (
    ("POST", "/orders", "201"),
    ("POST", "/orders", "400"),
    ("POST", "/orders", "500"),
    ("GET", "/", "200"),
    ("GET", "/health", "200"),
)
"""Method, route and status of answers that are counted from 0."""


class Metrics:
    """Orders, money and requests.

    What has labels is created at 0: a series that first appears with a 1 has not increased, and
    its first increment is lost to every rule. Source:
    https://prometheus.io/docs/practices/instrumentation/#avoid-missing-metrics
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        """Register them, by default with the registry that is served."""
        self.orders = Counter(
            "pizza_orders",
            "Orders by outcome: created; rejected: the customer's mistake; failed: ours.",
            ["outcome"],
            registry=registry,
        )
        self.revenue = Counter(
            "pizza_revenue_euros", "Price of the orders created.", registry=registry
        )
        self.requests = Histogram(
            "pizza_http_request_duration_seconds",
            "Time from a request to its answer.",
            ["method", "route", "status"],
            buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=registry,
        )
        for outcome in (CREATED, REJECTED, FAILED):
            self.orders.labels(outcome)
        for answer in USUAL:
            self.requests.labels(*answer)
