"""Grafana: dashboards on what Prometheus stores and Alertmanager raises."""

from components.grafana.grafana_service import GrafanaService, GrafanaServiceArgs

__all__ = ["GrafanaService", "GrafanaServiceArgs"]
