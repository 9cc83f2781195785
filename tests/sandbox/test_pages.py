"""The demo's last lines, followed word by word, with Prometheus's pages in a real browser.

    PICTURES=docs/pictures .venv/bin/python -m pytest tests/sandbox/test_pages.py

keeps the README's pictures, too.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox import prometheus, tour
from tests.sandbox.browser import Browser
from tests.sandbox.command import START_TIMEOUT_S, start, until

if TYPE_CHECKING:
    from collections.abc import Iterator

BADGES = """[...document.querySelectorAll('tbody td:last-child .mantine-Badge-root')]
    .map(badge => badge.innerText.trim())"""
"""What the page of targets says about the health of each."""

COLOURED_PIXELS = """(() => {
    const canvas = document.querySelector('.uplot canvas');
    if (!canvas || !canvas.width) return 0;
    const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let found = 0;
    for (let i = 0; i < data.length; i += 4) {
        const colour = data.slice(i, i + 3);
        found += data[i + 3] > 100 && Math.max(...colour) - Math.min(...colour) > 50;
    }
    return found;
})()"""
"""Of the graph: axes and grid are grey."""

SERIES = "document.querySelectorAll('.uplot .u-legend .u-series').length"
"""In the graph's legend."""

ALERTS = """[...document.querySelectorAll('.mantine-Accordion-root')]
    .find(group => group.innerText.includes('Watchdog'))"""
"""Of targets.yml."""


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    """Run the demo, and return what it printed."""
    process = start("demo", "--hosts", "2", "--runtime", "process")
    assert process.stdout is not None
    output = ""
    try:
        for line in process.stdout:
            output += line
            if "runs until Ctrl-C" in line:
                break
        else:
            pytest.fail(f"it ended with {process.wait(START_TIMEOUT_S)}:\n{output}")
        yield output
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture(scope="module")
def url(demo: str) -> str:
    (found,) = re.findall(r"^Prometheus: +(\S+)$", demo, re.MULTILINE)
    return str(found)


@pytest.fixture(scope="module")
def pages(demo: str) -> dict[str, str]:
    """Return the pages that the demo names, by their titles."""
    if "This Prometheus has no web pages" in demo:
        pytest.skip("this Prometheus has no web pages: there was no Node.js to build them with")
    return dict(re.findall(r"^  (\w.+?): +(http\S+)$", demo, re.MULTILINE))


@pytest.fixture(scope="module")
def _browser() -> Iterator[Browser]:
    with Browser.started() as browser:
        yield browser


@pytest.fixture
def browser(_browser: Browser, url: str, tmp_path: Path) -> Iterator[Browser]:
    """Hold a test to pages without an error that ask nothing but Prometheus."""
    yield _browser
    _browser.picture(tmp_path / "page.png")
    assert _browser.errors() == []
    requests = _browser.requests()
    assert any(request.startswith(f"{url}/api/v1/") for request in requests)
    assert [each for each in requests if not each.startswith((f"{url}/", "data:"))] == []


def test_targets_are_up(browser: Browser, pages: dict[str, str], url: str) -> None:
    browser.open(pages["Targets"])
    count = len(prometheus.targets(url))
    assert count == 3
    browser.until("every target is UP", BADGES, (["UP"] * count).__eq__)


def test_alerts_are_listed(browser: Browser, pages: dict[str, str], url: str) -> None:
    groups = prometheus.query(url, "rules", type="alert")["groups"]
    names = {rule["name"] for group in groups for rule in group["rules"]}
    assert {"Watchdog", "TargetDown", "NodeFilesystemSpaceFillingUp"} <= names
    browser.open(pages["Alerts"])
    browser.until(
        "every alert is listed",
        "document.body.innerText",
        lambda text: names <= set(text.split()),
    )


@pytest.mark.parametrize("title", tour.QUERIES)
def test_graph_draws(browser: Browser, pages: dict[str, str], url: str, title: str) -> None:
    expression = tour.QUERIES[title]

    def long_enough() -> bool:
        found = prometheus.query(url, "query", query=f"({expression})[30s:5s]")["result"]
        return bool(found) and all(len(series["values"]) > 1 for series in found)

    # The page asks once, when it is opened: from a single point there is no line to draw.
    until("two points of each line", 60, long_enough)
    browser.open(pages[f"Graph: {title}"])
    browser.until("a line", COLOURED_PIXELS)
    expected = len(prometheus.query(url, "query", query=expression)["result"])
    assert expected
    browser.until("the legend", SERIES, expected.__eq__)


def test_host_hangs_and_comes_back(
    browser: Browser, demo: str, pages: dict[str, str], url: str, tmp_path: Path
) -> None:
    stop, resume = re.findall(r"kill -\w+ \d+$", demo, re.MULTILINE)
    groups = prometheus.query(url, "rules", type="alert")["groups"]
    durations = {
        rule["duration"] for g in groups for rule in g["rules"] if rule["name"] == "NodeDown"
    }
    assert durations == {600}
    (alert,) = re.findall(r"lasted 10 minutes, it fires: (\S+)$", demo, re.MULTILINE)
    subprocess.run(stop, shell=True, check=True)  # noqa: S602 - as a person does
    try:
        until("DOWN", 30, lambda: _states(url).count("down") == 1)
        browser.open(pages["Targets"])
        browser.until("one is DOWN", BADGES, lambda found: sorted(found) == ["DOWN", "UP", "UP"])
        until("pending", 30, lambda: "NodeDown" in _pending(url))
        browser.open(alert)
        pending = re.compile(r"\bNodeDown\s+PENDING \(1\)")
        browser.until("the alert", "document.body.innerText", pending.search)
        _take_pictures(browser, pages, Path(os.environ.get("PICTURES", tmp_path)))
    finally:
        subprocess.run(resume, shell=True, check=True)  # noqa: S602
    until("UP", 30, lambda: _states(url) == ["up"] * 3)
    until("over", 30, lambda: "NodeDown" not in _pending(url))


def _states(url: str) -> list[str]:
    return [target.health for target in prometheus.targets(url)]


def _pending(url: str) -> list[str]:
    alerts = prometheus.query(url, "alerts")["alerts"]
    return [each["labels"]["alertname"] for each in alerts if each["state"] == "pending"]


def _take_pictures(browser: Browser, pages: dict[str, str], folder: Path) -> None:
    """Take those of the README: a host hangs."""
    browser.resize(700)
    browser.open(f"{pages['Targets']}?pool=node")
    browser.until("the targets", BADGES, lambda found: "DOWN" in found)
    browser.picture(folder / "targets.png")

    browser.resize(1120)
    browser.open(pages["Graph: who is up"].replace("range_input=5m", "range_input=30s"))
    browser.until("the lines", COLOURED_PIXELS)
    browser.picture(folder / "graph.png")

    browser.run("localStorage.setItem('settings.showAnnotations', 'false')")
    browser.open(pages["Alerts"])
    browser.until("the alerts", ALERTS)
    browser.run(f"({ALERTS}).querySelectorAll('.mantine-Accordion-control')[1].click()")
    browser.until("what it is true for", f"({ALERTS}).querySelector('table')")
    time.sleep(1)  # it unfolds
    browser.run(f"({ALERTS}).scrollIntoView({{block: 'center'}})")
    browser.picture(folder / "alerts.png", ALERTS)
