"""Calls for the discovery of tasks are counted as AWS would get them."""

from __future__ import annotations

from benchmarks.task_discovery import (
    APART_S,
    Call,
    about,
    calls_of_a_refresh,
    is_complete,
    of_limits,
    refreshes,
)


def test_calls_that_are_close_belong_to_one_refresh() -> None:
    times = (0, 0.1, 0.2, 0.2 + APART_S + 0.1, 0.3 + APART_S + 0.1)
    calls = [Call(time, "ListTasks") for time in times]
    assert refreshes(calls) == [calls[:3], calls[3:]]
    assert refreshes([]) == []
    assert not is_complete(refreshes(calls[:3]), calls[2].time + APART_S + 0.1)
    assert not is_complete(refreshes(calls), calls[-1].time + 0.1)
    assert is_complete(refreshes(calls), calls[-1].time + APART_S + 0.1)


def test_the_limit_that_is_nearest_is_told() -> None:
    calls = {"DescribeClusters": 1, "ListServices": 1, "DescribeServices": 5, "ListTasks": 30}
    assert of_limits(calls, 60) == (
        "of ECS's limit for tasks: 30% of the burst, 2.5% of the sustained rate at 60 s"
    )
    assert of_limits({"DescribeClusters": 1}, 1) == (
        "of ECS's limit for clusters: 2% of the burst, 5.0% of the sustained rate at 1 s"
    )


def test_calls_are_told_by_what_they_are_about() -> None:
    calls = {"ListTasks": 1, "DescribeTasks": 2, "DescribeContainerInstances": 3}
    calls |= {"ListServices": 4, "DescribeServices": 5, "DescribeNetworkInterfaces": 6}
    assert about(calls) == "clusters 0, services 9, tasks 6, EC2 6"


def test_a_refresh_of_a_real_prometheus_lists_tasks_in_pages() -> None:
    assert calls_of_a_refresh(101, 11) == {
        "DescribeClusters": 1,
        "ListServices": 1,
        "DescribeServices": 2,
        "ListTasks": 2,
        "DescribeTasks": 2,
        "DescribeNetworkInterfaces": 1,
    }
