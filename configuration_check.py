"""Check configuration of your own, with the pinned tools: `make check CONFIG=folder`.

    python -m configuration_check FOLDER    # nothing is deployed

The folder is one that a setting `overlay` names, or holds such folders by the names of their
servers, as examples/own_configuration does. A file of routes is checked, too: `routes.yml` of the
folder, or whichever file is named in its place.
"""

import python_version  # noqa: F401 - first of all

if __name__ == "__main__":
    import excepthook  # noqa: F401 - before what may fail

# isort: split

import argparse
import glob
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from components.alertmanager import overlay as alertmanager
from components.alertmanager.route_tests import check_table
from components.alertmanager.routes import EVERYTHING, check_with_amtool, composed_with
from components.configuration import tools
from components.configuration.tree import READ, TESTS, overlay_files, rule_tests, text_of
from components.grafana import overlay as grafana
from components.prometheus import overlay as prometheus
from components.prometheus.prometheus_args import overlay_variables
from sandbox import binaries
from sandbox.errors import SandboxError

ROUTES = "routes.yml"
"""The file of routes in a folder."""


class CheckError(ValueError):
    """There is nothing to check; the message says what is expected."""


def overlays(folder: Path) -> dict[str, Path]:
    """Find out which servers a folder has files for.

    Args:
        folder: one server's, or one that holds folders by the names of servers.

    Returns:
        Server -> its folder.

    Raises:
        CheckError: it is neither, or is not there.
    """
    if not folder.is_dir():
        raise CheckError(f"there is no folder {folder}: expected make check CONFIG=path/to/folder")
    by_name = {server: folder / server for server in READ if (folder / server).is_dir()}
    if by_name:
        return by_name
    for server in READ:
        patterns = [*READ[server], *TESTS.get(server, ())]
        if any((folder / pattern.partition("/")[0]).is_dir() for pattern in patterns):
            return {server: folder}
    expected = "; ".join(f"for {server}: {', '.join(READ[server])}" for server in READ)
    raise CheckError(
        f"{folder} holds nothing that a server reads: expected {expected}; or folders"
        f" {', '.join(READ)} that do; or {ROUTES}"
    )


def routes_file(config: Path) -> Path | None:
    """Find the file of routes: the path itself, or `ROUTES` in the folder; None: there is none."""
    files = (config, config / ROUTES)
    return next((file for file in files if file.is_file()), None)


def check(server: str, folder: Path) -> Iterator[str]:
    """Check an overlay; yield what was done, a sentence each.

    Raises:
        ValueError: with everything that is wrong with it.
        SandboxError: the server's tool cannot be had.
    """
    tool = tools.TOOLS.get(server)
    program = binaries.ensure([tool])[tool] if tool else None
    if server == prometheus.SERVER and program:
        variables = overlay_variables()
        prometheus.check([folder], variables, program)
        yield _accepted(server, folder, "promtool accepts them within the whole configuration")
        with tempfile.TemporaryDirectory() as scratch:
            prometheus.render([folder], variables, Path(scratch))
            yield from _rules(folder, Path(scratch), program)
    elif server == alertmanager.SERVER:
        alertmanager.check([folder], program)
        yield _accepted(server, folder, "amtool writes a notification with them")
    elif server == grafana.SERVER:
        grafana.check([folder])
        yield _accepted(server, folder, "Grafana can provision them, by their form")


def check_routes(routes: Path) -> Iterator[str]:
    """Check a file of routes and the table beside it, as `check` does with an overlay.

    Which ways to tell people a stack has is not known here: there is every one.

    Raises:
        ValueError: with what is wrong.
        SandboxError: amtool cannot be had.
    """
    amtool = binaries.ensure(["amtool"])["amtool"]
    composed = composed_with(text_of(routes), EVERYTHING)
    check_with_amtool(composed, amtool)
    yield f"{routes}: amtool accepts it within the whole configuration"
    table = routes.with_suffix(".test.yml")
    if not table.exists():
        yield f"{routes}: note: no table says who is to be told of what; it would be {table.name}"
        return
    try:
        count = check_table(text_of(table), composed, amtool)
    except ValueError as error:
        raise ValueError(f"{table.name}: {error}") from error
    yield f"{table}: alerts reach whom they should: all {count}"


def _accepted(server: str, folder: Path, words: str) -> str:
    return f"{folder}: {', '.join(overlay_files(server, folder))}: {words}"


def _rules(folder: Path, rendered: Path, promtool: Path) -> Iterator[str]:
    """Do with a user's rules what tests/configuration/test_rules.py does with the package's."""
    server = prometheus.SERVER
    rules = [name for name in overlay_files(server, folder) if name.startswith("rules.d/")]
    tests = list(rule_tests(server, folder))
    if rules:
        linted = ("check", "rules", "--lint=all", "--lint-fatal", *rules)
        tools.run(promtool, *linted, folder=rendered)
    if tests:
        try:
            tools.run(promtool, "test", "rules", *tests, folder=rendered)
        except tools.RefusedError as error:
            lines = "".join(f"\n  {line}" for line in error.lines)
            raise ValueError(f"a rule test fails:{lines}") from error
        yield f"{folder}: {', '.join(tests)}: the rule tests pass"
    loaded = {str(Path(path).resolve()) for test in tests for path in _loaded(rendered / test)}
    for name in rules:
        if str((rendered / name).resolve()) not in loaded:
            yield f"{folder}: note: no rule test loads {name}; tests/*.yml is where they go"


def _loaded(test: Path) -> Iterator[str]:
    """Return the files of rules that a rule test loads."""
    for pattern in (yaml.safe_load(test.read_text(encoding="utf-8")) or {}).get("rule_files", []):
        yield from glob.glob(str(test.parent / pattern))  # noqa: PTH207 - it may be absolute


def main(arguments: Sequence[str]) -> int:
    """Check a folder; return the exit code."""
    parser = argparse.ArgumentParser(
        usage="make check CONFIG=folder", description="Check configuration of your own."
    )
    parser.add_argument(
        "folder", type=Path, help="one server's, or one with folders of several; or a routes file"
    )
    folder: Path = parser.parse_args(arguments).folder
    routes = routes_file(folder)
    checks, block = [], []
    try:
        for server, own in overlays(folder).items():
            checks.append((own, check(server, own)))
            block.append(f"{server}.overlay: {own}")
    except CheckError as error:
        if not routes:
            print(f"error: {error}", file=sys.stderr)
            return 1
    if routes:
        checks.append((routes, check_routes(routes)))
        block.append(f"alertmanager.routesFile: {routes}")
    failed = False
    for own, sentences in checks:
        try:
            for sentence in sentences:
                print(sentence, flush=True)
        except (ValueError, SandboxError) as error:
            failed = True
            print(f"error: {own}: {error}", file=sys.stderr)
    if failed:
        return 1
    print(
        f"Next: {'; '.join(block)} in Pulumi.<stack>.yaml, then .venv/bin/python -m settings,"
        " pulumi up"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
