"""Users' own rules and scrape jobs: checked as parts of the whole configuration."""

from __future__ import annotations

import functools
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from components import assets
from components.configuration import tools
from components.configuration.tree import all_files, all_rule_tests, text_of
from components.configuration.variables import fill_in, needed, unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SERVER = "prometheus"

_SECRETS = (
    *("password", "credentials", "bearer_token", "client_secret", "secret_key", "secrets", "token"),
    "application_credential_secret",
)
"""Keys of a scrape job whose value would be a secret in plain text. Source:
https://prometheus.io/docs/prometheus/latest/configuration/configuration/"""


class Variables(NamedTuple):
    """The container's environment variables, each with a value that it may have."""

    always: Mapping[str, str]
    """Those that every file may use."""

    optional: Sequence[Mapping[str, str]]
    """Those that come together, or not at all: for a file whose first line is
    `# needs: <one of them>`."""

    @property
    def all_of_them(self) -> dict[str, str]:
        """All, whoever may use them."""
        return {**self.always, **dict(pair for group in self.optional for pair in group.items())}


def check(folders: Sequence[Path], variables: Variables, promtool: Path | None) -> None:
    """Check overlays of Prometheus, all of them together.

    Args:
        folders: the overlays.
        variables: those that its files may use.
        promtool: the program. None: the form is checked, and nothing that only promtool knows.

    Raises:
        ValueError: with everything that is wrong.
    """
    own = {name: text_of(file) for name, file in all_files(SERVER, folders).items()}
    tests = {name: text_of(file) for name, file in all_rule_tests(SERVER, folders).items()}
    problems = [
        f"{name} {problem}"
        for name, text in {**own, **tests}.items()
        for problem in _variable_problems(text, variables)
    ]
    if not problems:
        values = variables.all_of_them
        texts = {name: fill_in(text, values, comments=False) for name, text in own.items()}
        problems += _form_problems(texts)
    if problems:
        raise ValueError("; ".join(problems))
    if promtool:
        rules = tuple(name for name in own if name.startswith("rules.d/"))
        _ask(promtool, tuple(_rendered(folders, variables).items()), rules)


def suits(promtool: Path, variables: Variables) -> bool:
    """Tell whether a promtool accepts the package's own configuration; an old one does not.

    That of Debian 12 (2.42), for one, knows no `scrape_config_files`.

    Args:
        promtool: the program.
        variables: those that there are.
    """
    try:
        _ask(promtool, tuple(_rendered([], variables).items()), ())
    except ValueError:
        return False
    return True


def render(folders: Sequence[Path], variables: Variables, target: Path) -> None:
    """Write the configuration with overlays in it, as the entrypoint does, and their tests.

    Args:
        folders: the overlays.
        variables: those that the files use.
        target: an empty folder.
    """
    _write(_rendered(folders, variables).items(), target)


def _rendered(folders: Sequence[Path], variables: Variables) -> dict[str, str]:
    """Return name -> text of what `render` writes."""
    values = variables.all_of_them
    package = assets.image_context(SERVER)
    files = {file.relative_to(package).as_posix(): file for file in package.rglob("*.yml")}
    files |= {**all_files(SERVER, folders), **all_rule_tests(SERVER, folders)}
    texts = {name: file.read_text(encoding="utf-8") for name, file in files.items()}
    found = {
        name: fill_in(text, values, comments=False)
        for name, text in texts.items()
        if needed(text) in ("", *values)
    }
    found["prometheus.yml"] += found.pop("alerting.yml")
    return found


def _write(texts: Iterable[tuple[str, str]], target: Path) -> None:
    for name, text in texts:
        (target / name).parent.mkdir(exist_ok=True)
        (target / name).write_text(text, encoding="utf-8")


# The settings check what the components check again, and a file is a part of several checks.
@functools.lru_cache(maxsize=128)
def _ask(promtool: Path, texts: tuple[tuple[str, str], ...], rules: tuple[str, ...]) -> None:
    """Let promtool look: a broken scrape job keeps it from looking at rules, so twice.

    Once for the same texts: what it has accepted, it accepts again.

    Raises:
        ValueError: with what it says.
    """
    problems = []
    with tempfile.TemporaryDirectory() as scratch:
        _write(texts, Path(scratch))
        for kind, files in (("rules", rules), ("config", ("prometheus.yml",))):
            try:
                if files:
                    tools.run(promtool, "check", kind, *files, folder=Path(scratch))
            except ValueError as error:
                problems.append(str(error))
    if problems:
        raise ValueError("; ".join(dict.fromkeys(problems)))


def _variable_problems(text: str, variables: Variables) -> Iterator[str]:
    needs = needed(text)
    legal = dict(variables.always)
    for group in variables.optional:
        if needs in group:
            legal |= group
    if needs and needs not in legal:
        known = ", ".join(name for group in variables.optional for name in group)
        yield f"line 1: it would always be left out: # needs: {needs}; expected one of {known}"
    yield from unknown(text, legal, comments=False)


def _form_problems(texts: Mapping[str, str]) -> Iterator[str]:
    jobs: Counter[str] = Counter(package_jobs())
    for name, text in texts.items():
        try:
            document = yaml.safe_load(text)
        except yaml.YAMLError as error:
            yield f"{name} is no YAML: {' '.join(str(error).split())}"
            continue
        section, key = (
            ("groups", "name") if name.startswith("rules.d/") else ("scrape_configs", "job_name")
        )
        entries = document.get(section) if isinstance(document, Mapping) else None
        if not isinstance(entries, list) or not entries or set(document) != {section}:
            yield f"{name}: expected the key {section} with a list, and no other key"
            continue
        for number, entry in enumerate(entries, 1):
            where = f"{name}: {section}[{number}]"
            if not isinstance(entry, Mapping) or not isinstance(entry.get(key), str):
                yield f"{where} has no {key}"
            elif section == "groups" and not isinstance(entry.get("rules"), list):
                yield f"{where} has no list of rules"
            elif section == "scrape_configs":
                yield from (f"{where}{problem}" for problem in _secret_problems(entry))
                if jobs[entry[key]]:
                    yield f"{where}: there is a job {entry[key]!r} already: take another name"
                jobs[entry[key]] += 1


@functools.cache
def package_jobs() -> Sequence[str]:
    """Return the names of the package's own scrape jobs."""
    package = assets.image_context(SERVER)
    files = [package / "prometheus.yml", *(package / "scrape.d").glob("*.yml")]
    configurations = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in files]
    return [job["job_name"] for it in configurations for job in it["scrape_configs"]]


def _secret_problems(entry: Any, path: str = "") -> Iterator[str]:  # noqa: ANN401 - any YAML
    if isinstance(entry, Mapping):
        for key, value in entry.items():
            if key in _SECRETS and isinstance(value, str | list):
                yield (
                    f"{path}.{key} is a secret in plain text, for everybody who can read the image"
                    " or the repository: take it out; expected a target that needs none"
                )
            yield from _secret_problems(value, f"{path}.{key}")
    elif isinstance(entry, list):
        for number, value in enumerate(entry, 1):
            yield from _secret_problems(value, f"{path}[{number}]")
