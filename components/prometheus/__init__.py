"""The Prometheus server."""

from components.prometheus.prometheus_service import PrometheusService, PrometheusServiceArgs

__all__ = ["PrometheusService", "PrometheusServiceArgs"]
