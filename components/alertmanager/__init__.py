"""Alertmanager: who is told of which alert, when, and how."""

from components.alertmanager.alertmanager_service import (
    AlertmanagerService,
    AlertmanagerServiceArgs,
)

__all__ = ["AlertmanagerService", "AlertmanagerServiceArgs"]
