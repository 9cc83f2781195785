"""How much there is to read: lines of each room, without blanks, comments and docstrings."""

import ast
import io
import tokenize
from pathlib import Path

from benchmarks.figure import Figure

ROOT = Path(__file__).parent.parent
_NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
_NO_CODE |= {tokenize.ENCODING, tokenize.ENDMARKER}


def rooms() -> list[Figure]:
    """Lines of each room of the package, and of its server's image."""
    return [
        Figure(
            f"lines of {room.name}: component / image",
            f"{_component(room)} / {_image(ROOT / 'docker' / room.name)}",
        )
        for room in sorted((ROOT / "components").iterdir())
        if (room / "__init__.py").exists()
    ]


def _component(room: Path) -> int:
    return sum(python_lines(file.read_text(encoding="utf-8")) for file in room.rglob("*.py"))


def _image(folder: Path) -> int:
    """Count the lines of what an image is built from, without dashboards, which are generated."""
    files = [file for file in folder.rglob("*") if file.is_file() and file.suffix != ".json"]
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    return sum(bool(line.strip()) and not line.lstrip().startswith("#") for line in lines)


def python_lines(text: str) -> int:
    """Count the lines of a Python file that hold code."""
    strings = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    ]
    documentation = {
        line for node in strings for line in range(node.lineno, (node.end_lineno or 0) + 1)
    }
    code = {
        line
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type not in _NO_CODE
        for line in range(token.start[0], token.end[0] + 1)
    }
    return len(code - documentation)
