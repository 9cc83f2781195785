"""The process that the Pulumi program runs in: what `pulumi-language-python-exec` does.

It speaks to the engine through the SDK alone. The configuration comes in the environment
(`PULUMI_CONFIG`), where the SDK itself looks for it.
"""

import argparse
import asyncio
import logging
import runpy
import sys
import traceback
from pathlib import Path

import pulumi
from pulumi.runtime import Settings, configure, run_in_stack


def main() -> int:
    """Run `__main__.py` of a directory; return 0, or 1 after telling the engine why."""
    parser = argparse.ArgumentParser(description="Run a Pulumi program.")
    for name in ("--project", "--stack", "--monitor", "--engine", "--directory"):
        parser.add_argument(name, required=True)
    parser.add_argument("--dry-run", action="store_true")
    parsed = parser.parse_args()
    configure(
        Settings(
            project=parsed.project,
            stack=parsed.stack,
            monitor=parsed.monitor,
            engine=parsed.engine,
            dry_run=parsed.dry_run,
            organization="organization",  # what Pulumi says where there is none
            root_directory=parsed.directory,
        )
    )
    # Tasks that nobody awaits any more, when the program ends early, are no news.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    sys.path.insert(0, parsed.directory)
    path = str(Path(parsed.directory) / "__main__.py")
    sys.argv = [path]
    try:
        asyncio.run(run_in_stack(lambda: _run(path)))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return 1
    except SystemExit as error:  # whatever its code: resources may be missing
        pulumi.log.error(f"the program has called sys.exit({error.code!r}): let it end by itself")
        return 1
    except Exception as error:  # noqa: BLE001 - whatever a program does wrong, the engine is told
        pulumi.log.error(f"the program failed:\n{_trace(error, path)}")
        return 1
    return 0


def _trace(error: Exception, path: str) -> str:
    """Return the trace, from the program's own first line if that is part of it."""
    frame = error.__traceback__
    while frame is not None and frame.tb_frame.f_code.co_filename != path:
        frame = frame.tb_next
    return "".join(traceback.format_exception(error.with_traceback(frame or error.__traceback__)))


def _run(path: str) -> None:
    runpy.run_path(path, run_name="__main__")


if __name__ == "__main__":
    sys.exit(main())
