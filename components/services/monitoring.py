"""What a service brings for those who watch it: rules, their tests, dashboards.

They lie in a folder beside its code, laid out as `examples/own_configuration`, and are laid over
the servers' own files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

from components.arguments import Knob
from components.grafana import overlay as dashboards
from components.prometheus import overlay as rules
from components.prometheus.prometheus_args import overlay_variables, promtool

SERVERS = (rules.SERVER, dashboards.SERVER)
"""The servers that a service may have files for, each in a folder of that name."""


def legal_monitoring(path: str) -> None:
    """Check a service's folder as far as the servers' own settings would; empty means none.

    With promtool on PATH, rules are checked with it, as parts of the whole configuration.

    Raises:
        ValueError: with everything that is wrong.
    """
    if not path:
        return
    folder = Path(path)
    if not folder.is_dir():
        raise ValueError("there is no such folder; expected a path from the project's folder")
    expected = f"expected folders {' and '.join(SERVERS)}, or one of them"
    names = sorted(it.name for it in folder.iterdir() if not it.name.startswith((".", "README")))
    problems = [f"{name} is none of them" for name in names if name not in SERVERS]
    if not overlays(path):
        problems.append("it holds none of them")
    if problems:
        raise ValueError(f"{'; '.join(problems)}: {expected}")
    for server, overlay in overlays(path).items():
        try:
            if server == rules.SERVER:
                rules.check([overlay], overlay_variables(), promtool())
            else:
                dashboards.check([overlay])
        except ValueError as error:
            problems.append(f"{server}: {error}")
    if problems:
        raise ValueError("; ".join(problems))


Monitoring: TypeAlias = Annotated[str, Knob("", legal_monitoring)]
"""The argument that names a service's folder."""


def overlays(path: str) -> dict[str, Path]:
    """Return server -> the folder of a service's files for it, where there is one.

    Args:
        path: the service's folder. Empty: it has none.
    """
    found = {server: Path(path) / server for server in SERVERS if path}
    return {server: folder for server, folder in found.items() if folder.is_dir()}
