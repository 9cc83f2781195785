"""Measure everything and end with a table: `python -m benchmarks [--only NAME ...]`.

Ratios are taken side by side in one run, since the machine is noisy. Nothing fails by the clock.
"""

if __name__ == "__main__":
    import excepthook  # noqa: F401 - before what may fail

# isort: split

import argparse
import sys
from collections.abc import Callable

from benchmarks import (
    alerting,
    configuration,
    demo,
    pizza,
    program,
    rooms,
    sizing,
    storage,
    suite,
    task_discovery,
)
from benchmarks.figure import Figure

BENCHMARKS: dict[str, Callable[[], list[Figure]]] = {
    "evaluation": program.evaluation,
    "stack": program.evaluation_of_stack,
    "services": program.evaluation_of_services,
    "resources": program.resources_per_host,
    "largest": program.largest_program,
    "rooms": rooms.rooms,
    "discovery": demo.discovery,
    "calls": task_discovery.calls_per_refresh,
    "task": pizza.task_to_up,
    "page": alerting.page,
    "order": pizza.order_to_page,
    "configuration": configuration.change_to_live,
    "storage": storage.downtime,
    "demo": demo.warm_demo,
    "sizing": sizing.sizing,
    "tests": suite.tests,
}


def main() -> int:
    """Run the benchmarks, telling progress on stderr, then print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=list(BENCHMARKS))
    figures: list[Figure] = []
    for name in parser.parse_args().only:
        print(f"measuring: {name} ...", file=sys.stderr, flush=True)
        figures += BENCHMARKS[name]()
    widths = [max(len(figure[column]) for figure in figures) for column in range(3)]
    for figure in (Figure("what", "measured", "wanted"), *figures):
        print("  ".join(text.ljust(width) for text, width in zip(figure, widths, strict=True)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
