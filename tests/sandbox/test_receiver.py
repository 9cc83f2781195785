"""The local receiver takes what is posted by those who know its URL."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.receiver import Notification, Receiver, line, read

if TYPE_CHECKING:
    from pathlib import Path


def _post(url: str, posted: dict[str, Any]) -> int:
    request = urllib.request.Request(url, data=json.dumps(posted).encode())  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        code: int = answer.status
    return code


def test_it_keeps_what_those_post_who_know_its_url(tmp_path: Path) -> None:
    told: list[Notification] = []
    file = tmp_path / "notifications"
    assert read(file) == []
    receiver = Receiver(file, told.append)
    try:
        assert _post(receiver.url("sns"), {"Subject": "s"}) == 200
        base, _, via = receiver.url("sns").rpartition("/")
        for wrong in (f"{base}x/{via}", f"{base.rpartition('/')[0]}/sns", f"{base[:-1]}/{via}"):
            with pytest.raises(urllib.error.HTTPError, match="403"):
                _post(wrong, {"Subject": "forged"})
    finally:
        receiver.stop()
    assert told == read(file)
    (kept,) = told
    assert kept == {"time": kept["time"], "via": "sns", "Subject": "s"}


def test_what_is_half_written_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "notifications"
    file.write_text('{"via": "sns"}\n{"via": "sl')
    assert read(file) == [{"via": "sns"}]


def _alert(name: str, summary: str) -> dict[str, Any]:
    return {"labels": {"alertname": name}, "annotations": {"summary": summary}}


@pytest.mark.parametrize(
    ("notification", "expected"),
    [
        ({"via": "sns", "Subject": "It is down"}, "sns: It is down"),
        ({"via": "slack", "attachments": [{"title": "It is down"}]}, "slack: It is down"),
        (
            {
                "via": "webhook",
                "receiver": "page",
                "status": "firing",
                "alerts": [_alert("A", "two"), _alert("A", "one"), _alert("A", "two")],
            },
            "page: FIRING A: one two",
        ),
    ],
)
def test_people_see_a_line_of_each(notification: Notification, expected: str) -> None:
    assert line(notification) == expected
