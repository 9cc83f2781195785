"""The components as a Pulumi package, for programs in any language; started by Pulumi's CLI."""

import sys
from pathlib import Path

from pulumi.provider.experimental import component_provider_host
from pulumi.provider.experimental.analyzer import Analyzer

if __name__ == "__main__":
    # The CLI starts this folder by its path, so that the package's own parent is not searched.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

    import components
    from components.arguments import sentences

    def sentence(_analyzer: Analyzer, shape: type, name: str) -> str | None:
        return sentences(shape).get(name)

    # Pulumi's own analysis misses the sentences of inherited arguments.
    Analyzer.get_docstring = sentence  # type: ignore[assignment, method-assign]
    names = [name for name in components.__all__ if not name.endswith("Args")]
    component_provider_host([getattr(components, name) for name in names], "prometheus-aws")
