"""What a change of a rule or a route does to a stack whose configuration is delivered live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from components.configuration.archive import pack
from components.configuration.delivery import read_tree
from tests.pulumi.stack import Stack, copy_program, new_emulator, new_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

LIVE = {"configuration.delivery": "live"}
OWN_ROUTES = "routes:\n  - receiver: notify\n    matchers: ['team=\"{}\"']\n"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("stack")
    program = copy_program(directory)
    (program / "routes.yml").write_text(OWN_ROUTES.format("a"), encoding="utf-8")
    with new_emulator() as emulator, new_stack(emulator, directory, program=program) as made:
        # It deploys the defaults first: then the delivery is switched on.
        made.configure(
            {
                "alertmanager.routesFile": "routes.yml",
                "hosts.count": 0,
            }
        )
        made.up()
        yield made


def changed(server: str) -> list[tuple[str, str]]:
    """Return the steps of a change that no task notices."""
    return [
        ("create-replacement", f"{server}-configuration-archive"),
        ("replace", f"{server}-configuration-archive"),
        ("update", f"{server}-configuration-pointer"),
        ("delete-replaced", f"{server}-configuration-archive"),
    ]


def _s3(stack: Stack) -> tuple[Any, str]:
    return stack.emulator.client("s3"), stack.workspace.outputs()["configuration_bucket"]


def _keys(stack: Stack, server: str) -> set[str]:
    s3, bucket = _s3(stack)
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"{server}/")["Contents"]
    return {it["Key"] for it in listed}


def _pointer(stack: Stack, server: str) -> str:
    s3, bucket = _s3(stack)
    found = s3.get_object(Bucket=bucket, Key=f"{server}/current")["Body"].read()
    return str(found.decode().strip())


def test_it_is_switched_on_once(stack: Stack) -> None:
    on = stack.up(LIVE)
    operations = {operation for operation, name in on.steps if name == "prometheus-service"}
    assert operations == {"update"}
    assert ("create", "prometheus-configuration-pointer") in on.steps
    order = [name for operation, name in on.steps if operation in {"create", "update"}]
    # The archive, then what names it, then who reads it.
    assert (
        order.index("prometheus-configuration-archive")
        < order.index("prometheus-configuration-pointer")
        < order.index("prometheus-service")
    )
    run = stack.preview("--refresh")
    assert run.refreshed == []
    assert run.steps == []


def test_another_rule_is_another_archive_and_nothing_else(stack: Stack) -> None:
    before, old = _keys(stack, "prometheus"), _pointer(stack, "prometheus")
    rules = stack.program / "docker" / "prometheus" / "rules.d"
    file = rules / "node_alerts.yml"
    file.write_text(file.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
    (rules / "own.yml").write_text("groups: []\n", encoding="utf-8")
    assert sorted(stack.preview().steps) == sorted(changed("prometheus"))
    assert stack.up().steps == changed("prometheus")
    # The old archive is kept, to go back to.
    tree = read_tree(stack.program / "docker" / "prometheus", "**/*.yml")
    wanted = pack(tree).version
    assert _pointer(stack, "prometheus") == wanted
    assert _keys(stack, "prometheus") == before | {f"prometheus/{wanted}.tar.gz"}
    (rules / "own.yml").unlink()
    file.write_text(file.read_text(encoding="utf-8").replace("\n# changed\n", ""), "utf-8")
    assert stack.up().steps == changed("prometheus")
    assert _pointer(stack, "prometheus") == old
    assert stack.preview("--refresh").steps == []


def test_another_route_is_another_archive_and_nothing_else(stack: Stack) -> None:
    (stack.program / "routes.yml").write_text(OWN_ROUTES.format("b"), encoding="utf-8")
    assert stack.up().steps == changed("alertmanager")
    assert stack.preview("--refresh").steps == []


def test_going_back_by_hand_is_not_undone_by_the_next_update(stack: Stack) -> None:
    s3, bucket = _s3(stack)
    old = "0" * 64
    s3.put_object(Bucket=bucket, Key="prometheus/current", Body=old.encode())
    assert stack.up().steps == []
    assert _pointer(stack, "prometheus") == old


def test_it_is_switched_off_again(stack: Stack) -> None:
    s3, bucket = _s3(stack)
    off = stack.up({"configuration.delivery": "image"})
    assert ("delete", "configuration-bucket") in off.steps
    assert bucket not in {it["Name"] for it in s3.list_buckets()["Buckets"]}
    assert stack.preview("--refresh").steps == []
