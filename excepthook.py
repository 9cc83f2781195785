"""What people see instead of a trace when they run one of the project's modules.

A Python without the project's packages is told what to run, and a Ctrl-C, while modules are
imported too, needs no words. What people run with `python -m` imports this first.
"""

import shlex
import sys
from types import TracebackType

INTERRUPTED = 130
"""Exit code after a Ctrl-C: 128 + SIGINT."""


def _end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(error, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    if isinstance(error, ModuleNotFoundError):
        again = shlex.join([".venv/bin/python", *sys.orig_argv[1:]])
        print(
            f"error: this Python ({sys.executable}) has no {error.name}, one of the project's"
            f" packages: run `make setup`, then `{again}`",
            file=sys.stderr,
        )
        sys.exit(2)
    sys.__excepthook__(kind, error, trace)


sys.excepthook = _end
