"""What a host runs at first boot."""

import shlex
from collections.abc import Mapping

MAX_USER_DATA_BYTES = 16 * 1024
"""Before it is encoded in base64.

Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html
"""


def user_data(script: str, variables: Mapping[str, str]) -> str:
    """Render what a host runs: the variables, then the script that reads them.

    Args:
        script: a bash script.
        variables: name -> value, exported before the script's own text.
    """
    exports = "".join(f"export {name}={shlex.quote(v)}\n" for name, v in variables.items())
    return f"#!/bin/bash\n{exports}{script}"


def legal_user_data(value: str) -> None:
    """Check that EC2 takes user data of this size.

    Raises:
        ValueError: it is too large.
    """
    size = len(value.encode())
    if size > MAX_USER_DATA_BYTES:
        raise ValueError(
            f"it has {size} bytes; expected at most {MAX_USER_DATA_BYTES}, which is what EC2 takes."
            " Let a short script download the rest"
        )
