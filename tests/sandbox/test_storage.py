"""Samples on a volume: they are there after the task, and in what is made from a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.storage import ON_A_VOLUME, replaced
from tests.sandbox.command import Account, Deployed

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    scrape = "--config=prometheus.scrapeInterval=1s"
    with Deployed.up("--hosts", "1", "--runtime", "process", scrape, *ON_A_VOLUME) as deployed:
        yield Account(deployed)


def test_samples_survive_a_replaced_task(account: Account) -> None:
    names = (account.outputs["cluster_name"], account.outputs["service_name"])
    found = replaced(account.url, account.environment, *names)
    assert found.before > 0
    assert found.after > found.before
