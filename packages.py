"""Says what to run where a Python without the project's packages runs one of its modules.

What people run with `python -m` imports this first, when it is run.
"""

import shlex
import sys
from types import TracebackType


def _explain(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(error, ModuleNotFoundError):
        again = shlex.join([".venv/bin/python", *sys.orig_argv[1:]])
        print(
            f"error: this Python ({sys.executable}) has no {error.name}, one of the project's"
            f" packages: run `make setup`, then `{again}`",
            file=sys.stderr,
        )
        sys.exit(2)
    sys.__excepthook__(kind, error, trace)


sys.excepthook = _explain
