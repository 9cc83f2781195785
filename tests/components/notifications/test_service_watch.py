"""components.ServiceWatch: what it registers. What matches is asked of the emulated AWS."""

import json
from typing import Any

import pytest

from components import ServiceWatch
from mocks.recording import ACCOUNT, REGION, Deployment, deploy
from tests.components.examples import WATCH

TOPIC = WATCH.fewest["topic_arn"]
SUFFIXES = ["task-stopped", "deployment-failed", "service-unsteady"]


def watch(**others: Any) -> Deployment:  # noqa: ANN401 - any argument
    return deploy(lambda: ServiceWatch("thing", {**WATCH.fewest, **others}))  # type: ignore[typeddict-item]


def test_every_rule_tells_the_topic() -> None:
    deployment = watch()
    assert {r.name for r in deployment.of_type(":EventRule")} == {f"thing-{it}" for it in SUFFIXES}
    for suffix in SUFFIXES:
        target = deployment.inputs(f"thing-{suffix}-target")
        assert (target["rule"], target["arn"]) == (f"thing-{suffix}", TOPIC)
        assert "roleArn" not in target  # the topic's policy lets EventBridge publish


def test_every_rule_is_about_one_service() -> None:
    ecs = f"arn:aws:ecs:{REGION}:{ACCOUNT}"
    patterns = {
        r.name.removeprefix("thing-"): json.loads(r.inputs["eventPattern"])
        for r in watch().of_type(":EventRule")
    }
    assert all(pattern["source"] == ["aws.ecs"] for pattern in patterns.values())
    stopped = patterns["task-stopped"]["detail"]
    assert stopped["clusterArn"] == [f"{ecs}:cluster/cluster-1"]
    assert stopped["group"] == ["service:service-1"]
    for suffix in SUFFIXES[1:]:
        assert patterns[suffix]["resources"] == [f"{ecs}:service/cluster-1/service-1"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_message_is_text_whose_words_all_come_from_the_event(suffix: str) -> None:
    base = "https://example.com/runbooks"
    transformer = watch(runbook_base_url=base).inputs(f"thing-{suffix}-target")["inputTransformer"]
    text = json.loads(transformer["inputTemplate"])
    for word, path in transformer["inputPaths"].items():
        assert f"<{word}>" in text
        assert path.startswith("$.")
        text = text.replace(f"<{word}>", "")
    assert "<" not in text
    assert "service-1" in text
    anchor = suffix.replace("-", "")
    assert text.endswith(f"What to do: {base}/notifications.md#{anchor}")


def test_too_few_tasks_are_an_alarm_and_so_is_no_data() -> None:
    alarm = dict(watch(desired_count=2).inputs("thing-too-few-tasks"))
    assert alarm.pop("alarmDescription") == (
        "The ECS service service-1 has had fewer than 2 running task(s) for 10 minutes. What to do:"
        " docs/runbooks/notifications.md#toofewtasks"
    )
    assert alarm == {
        "namespace": "AWS/ECS",
        "metricName": "CPUUtilization",
        "statistic": "SampleCount",
        "dimensions": {"ClusterName": "cluster-1", "ServiceName": "service-1"},
        "period": 60,
        "evaluationPeriods": 10,
        "datapointsToAlarm": 10,
        "comparisonOperator": "LessThanThreshold",
        "threshold": 2,
        "treatMissingData": "breaching",
        "alarmActions": [TOPIC],
        "okActions": [TOPIC],
    }
