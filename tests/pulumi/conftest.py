"""The tests of this level need the Pulumi CLI."""

import pytest

from sandbox.binaries import ensure
from sandbox.products import BinaryError


@pytest.fixture(scope="session", autouse=True)
def _cli() -> None:
    """Skip the whole level where the CLI cannot be had; it is downloaded where it can."""
    try:
        ensure(["pulumi"])
    except BinaryError as error:
        pytest.skip(f"no Pulumi CLI: {error}")
