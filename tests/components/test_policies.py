"""components.policies: exact statements and documents."""

import json

from components import policies


def test_a_document() -> None:
    statement = policies.allow(["s3:GetObject"], "arn:aws:s3:::bucket/*")
    assert json.loads(policies.document(statement)) == {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::bucket/*"}
        ],
    }


def test_a_narrowed_statement() -> None:
    condition = {"StringEquals": {"aws:RequestedRegion": "eu-central-1"}}
    assert policies.allow(["ec2:DescribeInstances"], "*", condition) == {
        **policies.allow(["ec2:DescribeInstances"], "*"),
        "Condition": condition,
    }


def test_trust() -> None:
    assert policies.trust("ec2.amazonaws.com") == {
        "Effect": "Allow",
        "Principal": {"Service": "ec2.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }


def test_trust_for_one_account_only() -> None:
    source = "arn:aws:ecs:eu-central-1:123456789012:*"
    condition = policies.from_account("123456789012", source)
    assert condition == {
        "StringEquals": {"aws:SourceAccount": "123456789012"},
        "ArnLike": {"aws:SourceArn": source},
    }
    assert policies.trust("ecs-tasks.amazonaws.com", condition)["Condition"] == condition
