"""How people call the sandbox: every hint can be pasted as it is printed."""

import shlex
import sys
from pathlib import Path


def command(*arguments: str) -> str:
    """Write the line that runs a command of the sandbox from the current folder.

    Args:
        arguments: after `python -m sandbox`.
    """
    python = Path(sys.executable)  # what is linked to is another: it has not our packages
    here = Path.cwd()
    shown = python.relative_to(here) if python.is_relative_to(here) else python
    return shlex.join([str(shown), "-m", "sandbox", *arguments])
