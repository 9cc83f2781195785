"""All the dashboards, and where their files are."""

from pathlib import Path

from dashboards import alertmanager, alerts, containers, host, hosts, prometheus, tasks, usage
from dashboards.grafana import rendered
from dashboards.model import Dashboard

FOLDER = Path(__file__).parent.parent / "docker" / "grafana" / "dashboards"
"""What Grafana's image holds."""

DASHBOARDS: tuple[Dashboard, ...] = (
    hosts.DASHBOARD,
    host.DASHBOARD,
    tasks.DASHBOARD,
    containers.DASHBOARD,
    prometheus.DASHBOARD,
    alertmanager.DASHBOARD,
    alerts.DASHBOARD,
    usage.DASHBOARD,
)


def files() -> dict[Path, str]:
    """Return file -> what it should contain."""
    return {FOLDER / f"{dashboard.uid}.json": rendered(dashboard) for dashboard in DASHBOARDS}


def of_alerts() -> dict[str, str]:
    """Return alert -> uid of the dashboard that explains it."""
    return {
        alert: dashboard.uid
        for dashboard in DASHBOARDS
        for panel in dashboard.panels
        for alert in panel.alerts
    }
