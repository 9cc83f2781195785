"""Deployments that many tests look at and none changes."""

import pytest

from mocks.recording import Deployment
from tests.components.services import service


@pytest.fixture(scope="session")
def prometheus() -> Deployment:
    """A Prometheus with the fewest arguments."""
    return service()


@pytest.fixture(scope="session")
def task_role() -> Deployment:
    """A Prometheus that acts by its task's role."""
    return service(credentials="task-role")
