"""What others see of it."""

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge

from live_configuration.outcomes import LIVE, RESULTS

_SHOWN_DIGITS = 12
"""Of a version, as people see it in alerts and dashboards."""


class Metrics:
    """The metrics of one server's configuration."""

    def __init__(self, server: str, registry: CollectorRegistry = REGISTRY) -> None:
        """Register them, by default with the one that is served."""
        self._server = server
        self._live = Gauge(
            "configuration_live_info",
            "The version that is live.",
            ["server", "version"],
            registry=registry,
        )
        self._refused = Gauge(
            "configuration_refused_info",
            "The version that is wanted, but was refused.",
            ["server", "version", "reason"],
            registry=registry,
        )
        self._last_success = Gauge(
            "configuration_last_success_timestamp_seconds",
            "When the wanted version was last seen to be live; before that, the start.",
            ["server"],
            registry=registry,
        ).labels(server)
        self._attempts = Counter(
            "configuration_attempts_total",
            "Looks at the bucket, by result.",
            ["server", "result"],
            registry=registry,
        )
        for result in RESULTS:
            self._attempts.labels(server, result)
        self._last_success.set_to_current_time()

    def note(self, result: str, live: str, refused: tuple[str, str] | None) -> None:
        """Note how an attempt has ended, what is live, and what is refused: version and reason."""
        self._attempts.labels(self._server, result).inc()
        self._live.clear()
        self._live.labels(self._server, live[:_SHOWN_DIGITS]).set(1)
        self._refused.clear()
        if refused:
            version, reason = refused
            self._refused.labels(self._server, version[:_SHOWN_DIGITS], reason).set(1)
        if result == LIVE:
            self._last_success.set_to_current_time()
