"""The components as a Pulumi package, for programs in any language; started by Pulumi's CLI."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # The CLI starts this folder by its path, so that the package's own parent is not searched.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

    from components.plugin import serve

    serve()
