"""components.exporters.user_data: what a host runs at first boot."""

import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from components import assets
from components.exporters.user_data import MAX_USER_DATA_BYTES, legal_user_data, user_data
from tests.components.refusal import problem
from tests.components.shell import shell


def test_the_user_data() -> None:
    script = 'set -eu\necho "$ODD"\n'
    assert user_data(script, {"VERSION": "1.12.1", "PORT": "9100", "ODD": "a 'b' $c"}) == (
        "#!/bin/bash\n"
        "export VERSION=1.12.1\n"
        "export PORT=9100\n"
        """export ODD='a '"'"'b'"'"' $c'\n"""
        "set -eu\n"
        'echo "$ODD"\n'
    )


@settings(max_examples=20, deadline=None)
@given(st.text(alphabet=string.printable + "äß$`'\"\\"))
@example("$(touch /tmp/x)`id`'\"\\\n; exit 1")
def test_any_value_reaches_the_script_unchanged(value: str) -> None:
    value = value.replace("\r", "")  # which `text=True` would translate
    script = user_data('printf "%s." "$ODD"\n', {"ODD": value})
    assert shell("bash", "-s", text=script) == f"{value}."


def test_the_real_user_data_is_legal() -> None:
    script = assets.user_data_script("node_exporter")
    variables = {
        "NODE_EXPORTER_VERSION": assets.VERSIONS["node_exporter"],
        "NODE_EXPORTER_PORT": "65535",
    }
    assert not [name for name in variables if name not in script]
    text = user_data(script, variables)
    shell("bash", "-n", text=text)
    legal_user_data(text)


@pytest.mark.parametrize("letter", ["x", "ä"])
def test_ec2_takes_16_kilobytes(letter: str) -> None:
    # Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html
    assert MAX_USER_DATA_BYTES == 16_384
    most = letter * (MAX_USER_DATA_BYTES // len(letter.encode()))
    legal_user_data(most)
    assert problem(legal_user_data, most + letter) == (
        f"it has {len((most + letter).encode())} bytes; expected at most 16384, which is what EC2"
        " takes. Let a short script download the rest"
    )
