"""A real browser that looks at Prometheus's pages, and reaches nothing but this machine."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import time
from typing import TYPE_CHECKING, Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_TIMEOUT_S = 30
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS = (
    "--headless=new",
    "--window-size=1000,900",
    "--hide-scrollbars",
    "--disable-lcd-text",  # pictures with fewer colours are smaller
    "--disable-dev-shm-usage",
    # Nothing but this machine: no name is resolved, no proxy asked, nothing updated.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
)


class Browser:
    """Chromium without a window."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self._driver = driver

    @classmethod
    @contextlib.contextmanager
    def started(cls) -> Iterator[Browser]:
        """Start one, and stop it at the end; skip the test where there is none."""
        program = next(filter(None, map(shutil.which, _NAMES)), None)
        driver = shutil.which("chromedriver")
        if not program or not driver:
            pytest.skip(
                f"no browser: `{_NAMES[0]}` and `chromedriver` are wanted on PATH (Debian: apt"
                " install chromium chromium-driver)"
            )
        options = webdriver.ChromeOptions()
        options.binary_location = program
        for option in _OPTIONS:
            options.add_argument(option)
        if os.geteuid() == 0:
            options.add_argument("--no-sandbox")  # Chromium refuses root otherwise
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("no_proxy", "*")  # between Selenium and the driver
            chrome = webdriver.Chrome(options, Service(driver))
            try:
                yield cls(chrome)
            finally:
                chrome.quit()

    def open(self, url: str) -> None:
        """Open a page."""
        self._driver.get(url)

    def until(self, what: str, script: str, true: Callable[[Any], object] = bool) -> Any:  # noqa: ANN401 - any JSON
        """Evaluate JavaScript again and again until its result is `true`, and return that."""
        deadline = time.monotonic() + _TIMEOUT_S
        while True:
            found = self._driver.execute_script(f"return {script}")
            if true(found):
                return found
            assert time.monotonic() < deadline, f"{what}: not within {_TIMEOUT_S} s: {found}"
            time.sleep(0.1)

    def run(self, script: str) -> None:
        """Run JavaScript."""
        self._driver.execute_script(script)

    def resize(self, height: int) -> None:
        """Make the window, which is 1000 wide, so high (pixels)."""
        size = {"width": 1000, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def picture(self, path: Path, element: str = "document.documentElement") -> None:
        """Save what is seen of an element (JavaScript) as PNG. Default: all that is seen."""
        clip = self._driver.execute_script(
            f"const box = ({element}).getBoundingClientRect();"
            "return {x: box.x, y: box.y + scrollY, width: box.width,"
            " height: Math.min(box.height, innerHeight), scale: 1}"
        )
        answer = self._driver.execute_cdp_cmd("Page.captureScreenshot", {"clip": clip})
        path.write_bytes(base64.b64decode(answer["data"]))

    def errors(self) -> list[str]:
        """Return the errors of the console, JavaScript's too, since the last call."""
        return [
            str(entry["message"])
            for entry in self._driver.get_log("browser")  # type: ignore[no-untyped-call]
            if entry["level"] == "SEVERE"
        ]

    def requests(self) -> list[str]:
        """Return the URLs that have been asked for since the last call."""
        entries = self._driver.get_log("performance")  # type: ignore[no-untyped-call]
        messages = [json.loads(entry["message"])["message"] for entry in entries]
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]
