"""Where the runbooks are: the same rule and default for all that links to them."""

import re
from typing import Annotated, TypeAlias

from components import assets
from components.arguments import Knob

_BASE_URL = re.compile(r"[A-Za-z0-9._~:/?&=%@+,-]*[A-Za-z0-9._~=-]", re.ASCII)


def base_url(value: str) -> None:
    """Check what links begin with; braces, for one, would be a template's.

    Raises:
        ValueError: with what is expected.
    """
    if not _BASE_URL.fullmatch(value):
        raise ValueError(
            "expected a URL such as https://example.com/runbooks, of letters, digits and"
            " . _ ~ : / ? & = % @ + , - without a slash at its end"
        )


RunbookBaseUrl: TypeAlias = Annotated[str, Knob(assets.RUNBOOKS, base_url)]
"""An argument: what links to runbooks begin with."""
