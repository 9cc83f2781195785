"""The Prometheus server."""

from components.prometheus.prometheus_args import PrometheusServiceArgs
from components.prometheus.prometheus_service import PrometheusService

__all__ = ["PrometheusService", "PrometheusServiceArgs"]
