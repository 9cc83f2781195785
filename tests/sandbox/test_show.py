"""What the show of the pizza service takes for the page."""

from __future__ import annotations

from typing import Any

from sandbox import show


def test_the_page_is_the_first_of_this_alert_after_the_failure() -> None:
    def notification(
        time: float, status: str = "firing", receiver: str = "page", **labels: str
    ) -> dict[str, Any]:
        labels = {"alertname": show.ALERT, "severity": "critical", **labels}
        alerts = [{"status": status, "labels": labels}]
        return {"time": time, "receiver": receiver, "alerts": alerts}

    notifications: list[dict[str, Any]] = [
        notification(9.0),
        {"time": 10.5},
        {"time": 10.6, "via": "sns", "Subject": show.ALERT},
        notification(11.0, alertname="Watchdog"),
        notification(12.0, severity="warning"),
        notification(12.5, receiver="notify"),
        notification(12.7, "resolved", receiver="webhook"),
        notification(13.0, status="resolved"),
        notification(14.0),
        notification(15.0),
    ]
    assert [when for when, _ in show.told(notifications, 10.0)] == [14.0, 15.0]
    assert [when for when, _ in show.told(notifications, 10.0, "resolved")] == [13.0]
