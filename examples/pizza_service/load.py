"""Order pizzas, at a steady rate: `python -m examples.pizza_service.load URL`.

    --rate 10000      orders an hour
    --failures 0.3    share of the orders that are to fail; the service needs ALLOW_FAULTS=true
    --duration 60     seconds; default: until Ctrl-C

Prints a line every 5 seconds, and a summary at the end. The exit code is 1 when an order got no
answer, or was created though it was to fail. Orders do not wait for each other: a service that is
slow gets as many as one that is fast, as real customers would see to.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import random
import signal
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import SplitResult, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PIZZAS = ("margherita", "funghi", "quattro formaggi")
FAULT = {"X-Fault": "oven"}

UNANSWERED = 0
"""In place of an answer's status: there was no connection, or no answer in time."""

CONNECTIONS = 32
TIMEOUT_S = 10.0
REPORT_S = 5.0
HOUR_S = 3600


class Tally:
    """What became of the orders."""

    def __init__(self) -> None:
        """Start the clock."""
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._statuses: Counter[int] = Counter()
        self._seconds: list[float] = []
        self.spoilt = 0
        """Orders that were created though they were to fail."""

    def note(self, status: int, seconds: float, *, fault: bool) -> None:
        """Count an order."""
        with self._lock:
            self._statuses[status] += 1
            self._seconds.append(seconds)
            self.spoilt += fault and status == http.HTTPStatus.CREATED

    @property
    def unanswered(self) -> int:
        """Orders that got no answer."""
        return self._statuses[UNANSWERED]

    def __str__(self) -> str:
        """Say it in a line."""
        with self._lock:
            created = self._statuses[http.HTTPStatus.CREATED]
            total = self._statuses.total()
            failed = total - created - self.unanswered
            elapsed = max(time.monotonic() - self._started, 1e-9)
            p95 = sorted(self._seconds)[int(0.95 * total)] if total else 0.0
            return (
                f"{elapsed:.0f} s: {total} orders ({total / elapsed * HOUR_S:,.0f} an hour):"
                f" {created} created, {failed} failed, {self.unanswered} without an answer;"
                f" 95 % within {p95 * 1000:.0f} ms"
            )


class Shop:
    """Orders over HTTP; each thread has a connection of its own, which it keeps."""

    def __init__(self, url: SplitResult, host: str = "") -> None:
        """Take the URL, and the name that is asked for (the header `Host`) if not the URL's."""
        self._url = url
        self._headers = {"Content-Type": "application/json"} | ({"Host": host} if host else {})
        self._local = threading.local()

    def order(self, *, fault: bool) -> int:
        """Order one to three pizzas; return the status of the answer, or UNANSWERED."""
        order = {"pizza": random.choice(PIZZAS), "count": random.randint(1, 3)}  # noqa: S311
        headers = self._headers | (FAULT if fault else {})
        connection = self._connection()
        path = f"{self._url.path.rstrip('/')}/orders"
        try:
            connection.request("POST", path, json.dumps(order), headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()  # the next request opens it anew
            return UNANSWERED
        return answer.status

    def _connection(self) -> http.client.HTTPConnection:
        if not hasattr(self._local, "connection"):
            https = self._url.scheme == "https"
            kind = http.client.HTTPSConnection if https else http.client.HTTPConnection
            self._local.connection = kind(self._url.netloc, timeout=TIMEOUT_S)
        connection: http.client.HTTPConnection = self._local.connection
        return connection


def faults(share: float) -> Iterator[bool]:
    """Say of each order whether it is to fail: as evenly as the share allows.

    Args:
        share: of the orders, from 0 to 1.
    """
    return (int((n + 1) * share) > int(n * share) for n in itertools.count())


def drive(shop: Shop, rate: float, share: float, duration: float | None, tally: Tally) -> None:
    """Order until the time is over, or Ctrl-C.

    Args:
        shop: where.
        rate: orders an hour.
        share: of the orders that are to fail.
        duration: seconds. None: without end.
        tally: counts them.
    """

    def order(*, fault: bool) -> None:
        started = time.monotonic()
        status = shop.order(fault=fault)
        tally.note(status, time.monotonic() - started, fault=fault)

    pause = HOUR_S / rate
    orders = None if duration is None else max(1, round(duration / pause))
    started = time.monotonic()
    reported = started
    pool = ThreadPoolExecutor(CONNECTIONS)
    try:
        for number, fault in enumerate(itertools.islice(faults(share), orders)):
            due = started + number * pause
            while True:
                now = time.monotonic()
                if now >= reported + REPORT_S:
                    reported = now
                    print(tally, flush=True)
                if now >= due:
                    break
                time.sleep(min(due - now, REPORT_S))
            pool.submit(order, fault=fault)
    except KeyboardInterrupt:
        pool.shutdown(cancel_futures=True)
    finally:
        pool.shutdown()


def main(arguments: Sequence[str]) -> int:
    """Order; return the exit code."""
    parser = argparse.ArgumentParser(prog="load", description="Order pizzas, at a steady rate.")
    parser.add_argument("url", type=_url, help="of the service: http://127.0.0.1:8000")
    parser.add_argument("--rate", type=_positive, default=10_000, help="orders an hour")
    parser.add_argument("--failures", type=_share, default=0.0, help="share that is to fail")
    parser.add_argument("--duration", type=_positive, help="seconds; default: until Ctrl-C")
    parser.add_argument("--host", default="", help="name to ask for, if it is not the URL's")
    options = parser.parse_args(arguments)
    tally = Tally()
    for number in (signal.SIGTERM, signal.SIGINT):  # which a shell lets its background jobs ignore
        signal.signal(number, _interrupt)
    shop = Shop(options.url, options.host)
    drive(shop, options.rate, options.failures, options.duration, tally)
    print(f"In all {tally}")
    if tally.spoilt:
        print(
            f"error: {tally.spoilt} orders were to fail, and were created: start the service with"
            " ALLOW_FAULTS=true",
            file=sys.stderr,
        )
    if tally.unanswered:
        url = options.url.geturl()
        print(f"error: {tally.unanswered} orders got no answer from {url}", file=sys.stderr)
    return 1 if tally.spoilt or tally.unanswered else 0


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _url(text: str) -> SplitResult:
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.netloc:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a URL such as http://127.0.0.1:8000")
    return url


def _positive(text: str) -> float:
    return _number(text, lambda number: 0 < number < float("inf"), "a number above 0")


def _share(text: str) -> float:
    return _number(text, lambda number: 0 <= number <= 1, "a share from 0 to 1")


def _number(text: str, legal: Callable[[float], bool], expected: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not legal(number):
        raise argparse.ArgumentTypeError(f"{text!r}: expected {expected}")
    return number


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
