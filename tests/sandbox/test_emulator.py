"""The emulated account belongs to the sandbox alone."""

from __future__ import annotations

import http.client
import json
import urllib.parse
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError
from moto.iam.models import iam_backends

from sandbox.emulator import ADMIN, Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    made = Emulator("eu-west-1")
    made.start()
    yield made
    made.stop()


@pytest.mark.parametrize("host", [None, "motoapi.amazonaws.com"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/moto-api/reset"),
        ("POST", "/moto-api/reset-auth"),
        ("POST", "//moto-api/reset"),
        ("POST", "/%6doto-api/reset"),
        ("GET", "/moto-api/data.json"),
        ("GET", "/moto-api/"),
    ],
)
def test_nobody_controls_the_emulator_without_a_key(
    emulator: Emulator, method: str, path: str, host: str | None
) -> None:
    """On a shared machine, every user can reach its port."""
    emulator.enforce_iam()
    address = urllib.parse.urlsplit(emulator.endpoint)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=10)
    connection.request(method, path, body=b"inf", headers={"Host": host} if host else {})
    answer = connection.getresponse()
    assert answer.status == 403
    assert ADMIN.encode() not in answer.read()
    connection.close()
    # The account is as it was, and still asks for a key's rights.
    assert [user["UserName"] for user in emulator.client("iam").list_users()["Users"]] == [ADMIN]
    stranger = Emulator("eu-west-1")
    stranger.endpoint = emulator.endpoint
    with pytest.raises(Exception, match="InvalidClientTokenId"):
        stranger.client("iam").list_users()


def test_the_next_emulator_of_a_process_starts_empty_and_open(emulator: Emulator) -> None:
    emulator.client("iam").create_user(UserName="somebody")
    emulator.enforce_iam()
    emulator.stop()
    following = Emulator("eu-west-1")
    following.start()
    try:
        users = following.client("iam").list_users()["Users"]
        assert [user["UserName"] for user in users] == [ADMIN]
    finally:
        following.stop()


def test_what_the_process_did_with_moto_before_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Such as to make its IAM without AWS's own policies."""
    monkeypatch.delenv("MOTO_IAM_LOAD_MANAGED_POLICIES", raising=False)
    iam_backends["123456789012"]["aws"].reset()
    emulator = Emulator("eu-west-1")
    emulator.start()
    try:
        arn = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
        assert emulator.client("iam").get_policy(PolicyArn=arn)["Policy"]["Arn"] == arn
    finally:
        emulator.stop()


def test_who_may_publish_to_one_topic_may_publish_to_no_other(emulator: Emulator) -> None:
    sns, iam = emulator.client("sns"), emulator.client("iam")
    theirs, other = (sns.create_topic(Name=name)["TopicArn"] for name in ("theirs", "other"))
    statement = {"Effect": "Allow", "Action": ["sns:Publish"], "Resource": theirs}
    iam.create_user(UserName="publisher")
    iam.put_user_policy(
        UserName="publisher",
        PolicyName="publish",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    key = iam.create_access_key(UserName="publisher")["AccessKey"]
    emulator.enforce_iam()
    publisher = Emulator.connect(
        emulator.endpoint, emulator.region, key["AccessKeyId"], key["SecretAccessKey"]
    ).client("sns")
    publisher.publish(TopicArn=theirs, Message="x")
    for denied in (
        lambda: publisher.publish(TopicArn=other, Message="x"),
        lambda: publisher.delete_topic(TopicArn=theirs),
        publisher.list_topics,
    ):
        with pytest.raises(ClientError, match="not authorized"):
            denied()
