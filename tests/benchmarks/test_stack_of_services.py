"""The stack of many services is one that the program takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.program import PIZZA, stack_of_services
from sandbox.configuration import handed_over
from settings import PROJECT, Settings
from stack_files import stack_file_config

if TYPE_CHECKING:
    from pathlib import Path


def test_each_service_has_a_name_and_rules_of_its_own(tmp_path: Path) -> None:
    text = handed_over(stack_file_config(stack_of_services(tmp_path, 3)))
    own = {
        key.removeprefix(f"{PROJECT}:"): value
        for key, value in text.items()
        if key.startswith(f"{PROJECT}:")
    }
    services = Settings.parse(own, stack="services-3").services
    assert list(services) == [f"{PIZZA}-{number}" for number in (1, 2, 3)]
    assert len({args["monitoring"] for args in services.values()}) == 3
