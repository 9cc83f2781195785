"""How long the program takes to evaluate with a stack's file, against the same raw resources.

`python -m benchmarks.stack record STACK_FILE FILE` writes down which custom resources the program
registers. Then `components STACK_FILE FILE` evaluates the program, and `raw STACK_FILE FILE`
registers these resources alone, with the same inputs, dependencies and look-ups; both print seconds
as JSON. Every measurement is a process of its own, in which everything has been imported before.
"""

import json
import runpy
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pulumi
import pulumi_aws
import pulumi_docker
import pulumi_random
from pulumi._types import input_type_py_to_pulumi_names
from pulumi.runtime import rpc

import settings  # noqa: F401 - the program imports it, and by it the components
from mocks.evaluation import evaluate, is_secret
from mocks.recording import Recording, RecordingMonitor
from sandbox.configuration import handed_over
from stack_files import stack_file_config

ROOT = Path(__file__).parent.parent
_PACKAGES = {"aws": pulumi_aws, "docker": pulumi_docker, "random": pulumi_random}


class Raw(NamedTuple):
    """A custom resource, ready to be registered."""

    urn: str
    make: Callable[..., pulumi.CustomResource]
    name: str
    inputs: Mapping[str, Any]
    """By the names that `make` takes."""
    inputs_from: Mapping[str, list[str]]
    """Input -> URNs of the resources that it comes from."""
    needs: list[str]
    """URNs of the resources that must be there before."""
    ignore_changes: list[str]


def program() -> None:
    """Evaluate the project's own program."""
    runpy.run_path(str(ROOT / "__main__.py"))


def record(monitor: RecordingMonitor) -> dict[str, Any]:
    """Return what a program has looked up and registered, as JSON."""
    custom = {urn: request for urn, request in monitor.requests.items() if request.custom}
    resources = [
        {
            "urn": urn,
            "type": request.type,
            "name": request.name,
            "inputs": rpc.deserialize_properties(request.object, keep_unknowns=True),
            "inputs_from": {
                key: [it for it in dependencies.urns if it in custom]
                for key, dependencies in request.propertyDependencies.items()
            },
            "needs": [it for it in request.dependencies if it in custom],
            "ignore_changes": list(request.ignoreChanges),
        }
        for urn, request in custom.items()
    ]
    return {"resources": resources, "lookups": [[call.token, call.args] for call in monitor.calls]}


def _prepared(recorded: Mapping[str, Any]) -> Raw:
    package, path, kind = recorded["type"].split(":")
    module = _PACKAGES[package]
    if (name := path.partition("/")[0]) != "index":
        module = getattr(module, name)
    names = {
        there: here
        for here, there in input_type_py_to_pulumi_names(getattr(module, f"{kind}Args")).items()
    }
    return Raw(
        recorded["urn"],
        getattr(module, kind),
        recorded["name"],
        {names[key]: value for key, value in recorded["inputs"].items()},
        {names[key]: urns for key, urns in recorded["inputs_from"].items() if urns},
        recorded["needs"],
        recorded["ignore_changes"],
    )


def _register(resources: list[Raw], lookups: list[Any]) -> None:
    for token, arguments in lookups:
        pulumi.runtime.invoke(token, arguments)
    made: dict[str, pulumi.CustomResource] = {}
    for raw in resources:
        inputs = {
            key: _input(value, [made[urn].id for urn in raw.inputs_from.get(key, [])])
            for key, value in raw.inputs.items()
        }
        explicit = set(raw.needs).difference(*raw.inputs_from.values())
        options = pulumi.ResourceOptions(
            depends_on=[made[urn] for urn in raw.needs if urn in explicit],
            ignore_changes=raw.ignore_changes,
        )
        made[raw.urn] = raw.make(raw.name, opts=options, **inputs)


def _input(value: Any, ids: list[pulumi.Output[str]]) -> Any:  # noqa: ANN401 - any input
    """Return an input that is known, and secret, when it was."""
    if is_secret(value):
        value = pulumi.Output.secret(value["value"])
    return pulumi.Output.all(*ids).apply(lambda _: value) if ids else value


def _evaluate(what: Callable[[], object], stack_file: Path) -> tuple[float, dict[str, Any]]:
    """Evaluate a program; return the seconds and what it has registered."""
    config = handed_over(stack_file_config(stack_file))
    stack = stack_file.stem.removeprefix("Pulumi.")
    monitor = RecordingMonitor(Recording())
    started = time.perf_counter()
    evaluate(what, monitor, project="prometheus-aws", stack=stack, config=config)
    return time.perf_counter() - started, record(monitor)


def _essence(recorded: Mapping[str, Any]) -> list[str]:
    found = [[it["type"], it["name"], it["inputs"]] for it in recorded["resources"]]
    return sorted(json.dumps(it, sort_keys=True) for it in found)


def main() -> None:
    """Record, or evaluate once and print the seconds."""
    shape, stack, file = sys.argv[1], *map(Path, sys.argv[2:])
    if shape == "record":
        _, recorded = _evaluate(program, stack)
        file.write_text(json.dumps(recorded), encoding="utf-8")
        print(json.dumps({"resources": len(recorded["resources"])}))
        return
    recorded = json.loads(file.read_text(encoding="utf-8"))
    resources = [_prepared(it) for it in recorded["resources"]]
    if shape == "components":
        seconds, _ = _evaluate(program, stack)
    else:
        seconds, now = _evaluate(lambda: _register(resources, recorded["lookups"]), stack)
        if _essence(now) != _essence(recorded):
            raise AssertionError("the raw resources are not those that have been recorded")
    print(json.dumps({"evaluate": seconds}))


if __name__ == "__main__":
    main()
