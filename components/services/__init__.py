"""Services that Prometheus scrapes: ones of the user's own, and ones that exist."""

from components.services.existing_service import ExistingService, ExistingServiceArgs
from components.services.monitored_service import MonitoredService
from components.services.service_args import MonitoredServiceArgs

__all__ = [
    "ExistingService",
    "ExistingServiceArgs",
    "MonitoredService",
    "MonitoredServiceArgs",
]
