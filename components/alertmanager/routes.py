"""The user's own file of routes: read, and checked with a message that says what to do."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Collection, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from components.alertmanager.configuration import (
    INTEGRATIONS,
    NOTIFY_TIMES,
    Document,
    Routing,
    configuration,
)
from components.configuration import tools

if TYPE_CHECKING:
    from collections.abc import Iterator

STRICT = "utf8-strict-mode"
"""The feature of Alertmanager and amtool that reads matchers in one way only."""

EVERYTHING = Routing(
    page_with=INTEGRATIONS, notify_with=INTEGRATIONS, watchdog=True, notify_days="sunday:saturday"
)
"""With all that a file of routes may name, in whichever stack."""

_AMTOOL_TIMEOUT_S = 30.0

_SECTIONS = ("routes", "inhibit_rules", "time_intervals")
_DURATIONS = ("group_wait", "group_interval", "repeat_interval")
_DURATION = re.compile(r"(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?", re.ASCII)
_INTERVALS = ("mute_time_intervals", "active_time_intervals")
_LISTS = ("matchers", "group_by", *_INTERVALS)
_ROUTE_KEYS = ("receiver", "continue", "routes", *_LISTS, *_DURATIONS)
_MATCHERS = ("source_matchers", "target_matchers")
_INHIBIT_KEYS = ("name", "equal", *_MATCHERS)


def read_routes(text: str, receivers: Collection[str]) -> dict[str, Any]:
    """Read a file of routes and check its form.

    Args:
        text: YAML with the keys `routes`, `inhibit_rules` and `time_intervals`, all optional, each
            as in Alertmanager's own configuration.
        receivers: those that a route may name, `Routing.receivers`.

    Raises:
        ValueError: with all that is wrong, and what is expected.
    """
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"it is no YAML: {error}") from error
    problems = list(_problems(document, receivers))
    if problems:
        raise ValueError("; ".join(problems))
    found: dict[str, Any] = document or {}
    return found


def composed_with(text: str, routing: Routing) -> Document:
    """Compose the configuration that a file of routes becomes part of, to be checked.

    Args:
        text: as of `read_routes`.
        routing: who is told of what; its topic need not be known yet.

    Raises:
        ValueError: with what is wrong with the file.
    """
    own = read_routes(text, routing.receivers)
    known = replace(routing, topic_arn="arn:aws:sns:us-east-1:123456789012:x", region="us-east-1")
    return configuration(known, own)


def check_routes(text: str, routing: Routing, amtool: Path | None) -> None:
    """Check a file of routes in the configuration that it becomes part of.

    Args:
        text: as of `read_routes`.
        routing: as of `composed_with`.
        amtool: as of `check_with_amtool`.

    Raises:
        ValueError: with what is wrong.
    """
    check_with_amtool(composed_with(text, routing), amtool)


def check_with_amtool(composed: Mapping[str, Any], amtool: Path | None) -> None:
    """Check a whole configuration as Alertmanager itself does.

    Args:
        composed: the configuration.
        amtool: the program. None: nothing is checked.

    Raises:
        ValueError: amtool refuses it; with its words.
    """
    if amtool is None:
        return
    with _written(composed) as file:
        done = subprocess.run(
            [amtool, f"--enable-feature={STRICT}", "check-config", file.name],
            cwd=file.parent,
            capture_output=True,
            text=True,
            timeout=_AMTOOL_TIMEOUT_S,
            check=False,
        )
    if done.returncode:
        _, _, reason = done.stdout.partition("FAILED: ")
        words = reason.partition("\n")[0] or (done.stderr or done.stdout).strip()
        raise ValueError(f"amtool refuses it: {words}")


def receivers_of(composed: Mapping[str, Any], labels: Mapping[str, str], amtool: Path) -> list[str]:
    """Ask amtool who is told of an alert.

    Args:
        composed: a whole configuration, which amtool accepts.
        labels: the alert's.
        amtool: the program.

    Returns:
        The receivers, in the order of their routes.

    Raises:
        ValueError: amtool refuses the labels; with its words.
    """
    with _written(composed) as file:
        said = tools.run(
            *(amtool, f"--enable-feature={STRICT}", "config", "routes", "test"),
            *(f"--config.file={file.name}", *as_words(labels)),
            folder=file.parent,
        )
    return said.splitlines()[-1].split(",")  # after a line of its log


def as_words(labels: Mapping[str, str]) -> list[str]:
    """Write labels as Alertmanager's strict mode reads them, such as `"team"="shop"`."""
    return [
        "=".join(json.dumps(text, ensure_ascii=False) for text in label) for label in labels.items()
    ]


@contextmanager
def _written(composed: Mapping[str, Any]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "alertmanager.yml")
        # Without templates: their files are not beside this one.
        file.write_text(json.dumps({**composed, "templates": []}), encoding="utf-8")
        yield file


def _problems(document: object, receivers: Collection[str]) -> Iterator[str]:
    if document is None:
        return
    if not isinstance(document, Mapping):
        yield f"expected the keys {', '.join(_SECTIONS)}, not {type(document).__name__}"
        return
    for key, value in document.items():
        if key not in _SECTIONS:
            yield f"{key} is unknown: expected one of {', '.join(_SECTIONS)}"
        elif not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
            yield f"{key}: expected a list of entries with keys"
    names = [str(interval.get("name")) for interval in _entries(document, "time_intervals")]
    yield from _interval_problems(names)
    for number, route in enumerate(_entries(document, "routes"), 1):
        where = f"routes[{number}]"
        if not route.get("matchers"):
            yield f"{where} has no matchers, such as team=shop: it would take every alert"
        yield from _route_problems(where, route, receivers, [*names, NOTIFY_TIMES])
    for number, rule in enumerate(_entries(document, "inhibit_rules"), 1):
        yield from _inhibition_problems(f"inhibit_rules[{number}]", rule)


def _entries(document: Mapping[Any, Any], key: str) -> list[Mapping[str, Any]]:
    value = document.get(key)
    return (
        [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []
    )


def _interval_problems(names: list[str]) -> Iterator[str]:
    for name in names:
        if name == "None":
            yield "time_intervals: one has no name"
        elif name == NOTIFY_TIMES:
            yield f"time_intervals: {NOTIFY_TIMES} is the configured times' name: take another"
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"time_intervals: {name} is there more than once"


def _route_problems(
    where: str, route: Mapping[str, Any], receivers: Collection[str], intervals: Collection[str]
) -> Iterator[str]:
    yield from _unknown(where, route, _ROUTE_KEYS)
    yield from _list_problems(where, route, _LISTS)
    if route.get("receiver", "notify") not in receivers:
        yield f"{where}.receiver is {route['receiver']!r}: expected one of {', '.join(receivers)}"
    if not isinstance(route.get("continue", False), bool):
        yield f"{where}.continue is {route['continue']!r}: expected true or false"
    for key in _DURATIONS:
        value = route.get(key)
        if key in route and not (isinstance(value, str) and value and _DURATION.fullmatch(value)):
            yield f"{where}.{key} is {value!r}: expected a duration such as 30s or 1h30m"
    for key in _INTERVALS:
        for name in route.get(key) or ():
            if name not in intervals:
                yield f"{where}.{key}: there is no time interval {name!r}"
    for number, child in enumerate(_entries(route, "routes"), 1):
        yield from _route_problems(f"{where}.routes[{number}]", child, receivers, intervals)


def _inhibition_problems(where: str, rule: Mapping[str, Any]) -> Iterator[str]:
    yield from _unknown(where, rule, _INHIBIT_KEYS)
    yield from _list_problems(where, rule, ("equal", *_MATCHERS))
    for key in _MATCHERS:
        if not rule.get(key):
            yield f"{where} has no {key}: it would hide alerts that nobody means"


def _unknown(where: str, entry: Mapping[str, Any], known: Collection[str]) -> Iterator[str]:
    for key in entry:
        if key in ("match", "match_re"):
            yield f"{where}.{key} is deprecated: write matchers"
        elif key not in known:
            yield f"{where}.{key} is unknown: expected one of {', '.join(known)}"


def _list_problems(where: str, entry: Mapping[str, Any], keys: Collection[str]) -> Iterator[str]:
    for key in keys:
        value = entry.get(key, [])
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            yield f"{where}.{key}: expected a list of texts, such as ['severity=\"critical\"']"
