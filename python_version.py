"""Ends the program where Python is too old for it, before anything fails for a reason of its own.

Whatever people start imports this first. It is written for any Python 3.
"""

import sys

MINIMUM = (3, 11)
"""The oldest Python; `pyproject.toml` and `.venv`'s rule in the Makefile say the same."""

if sys.version_info < MINIMUM:
    needed, found = (".".join(map(str, version[:2])) for version in (MINIMUM, sys.version_info))
    sys.exit(
        f"error: Python {needed} or newer is needed; this is {found} ({sys.executable}). Install"
        " one, remove .venv if it has the old one, and run `make setup` (PYTHON=/path/to/python)."
    )
