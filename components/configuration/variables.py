"""`${NAME}` in a server's files, as its entrypoint fills it in when the container starts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from components.arguments import suggestion

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
_COMMENT = re.compile(r" *#")
_EACH = re.compile(r"( *)# each ([A-Z][A-Z0-9_]*): (.*)")
_OF_WORDS = ("KEY", "VALUE")
_NEEDS = "# needs: "


def fill_in(text: str, values: Mapping[str, str], *, comments: bool) -> str:
    """Put values in the place of variables.

    Args:
        text: of a file.
        values: variable -> value; all that the text uses.
        comments: whether variables in lines that are comments of YAML count, too; if not, a comment
            `# each NAME: TEXT` becomes a line TEXT for every word KEY=VALUE of the variable NAME.
    """
    return "\n".join(
        filled for line in text.split("\n") for filled in _filled(line, values, comments=comments)
    )


def _filled(line: str, values: Mapping[str, str], *, comments: bool) -> Iterator[str]:
    if comments or not _COMMENT.match(line):
        yield _VARIABLE.sub(lambda found: values[found[1]], line)
    elif each := _EACH.fullmatch(line):
        indent, name, text = each.groups()
        for word in values.get(name, "").split():
            key, _, value = word.partition("=")
            yield from _filled(indent + text, {**values, "KEY": key, "VALUE": value}, comments=True)
    else:
        yield line


def unknown(text: str, known: Collection[str], *, comments: bool) -> Iterator[str]:
    """Say of each variable that there is not where it is used.

    Args:
        text: as of `fill_in`.
        known: the variables that there are.
        comments: as of `fill_in`.
    """
    for number, line in enumerate(text.split("\n"), 1):
        each = None if comments else _EACH.fullmatch(line)
        names = [] if each is None else [each[2]]
        if comments or each or not _COMMENT.match(line):
            names += [it for it in _VARIABLE.findall(line) if not (each and it in _OF_WORDS)]
        for name in names:
            if name not in known:
                hint = suggestion(name, sorted(known))
                yield f"line {number}: the variable ${{{name}}} is unknown: {hint}"


def needed(text: str) -> str:
    """Return the variable without which a whole file is left out: its first line names it."""
    first = text.partition("\n")[0]
    return re.split(r"[ \t]+", first)[2] if first.startswith(_NEEDS) else ""
