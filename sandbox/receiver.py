"""The person who is told: a webhook on this machine that keeps what Alertmanager and SNS send."""

import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from sandbox.addresses import LOOPBACK
from sandbox.following import Follower
from sandbox.resources import Account

Notification = Mapping[str, Any]
"""`time` (seconds since 1970), `via` (`webhook`, `watchdog`, `slack`, `sns`), and what was posted:
of `webhook` and `watchdog`, Alertmanager's `receiver`, `status` and `alerts`."""


class Receiver:
    """Takes notifications on a loopback port, from whoever knows its URL."""

    def __init__(self, file: Path, told: Callable[[Notification], None]) -> None:
        """Start.

        Args:
            file: where to keep the notifications.
            told: called with each one.
        """
        token = secrets.token_urlsafe()
        writing = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                owner, _, via = self.path.removeprefix("/").partition("/")
                if not secrets.compare_digest(owner.encode(), token.encode()):
                    self.send_error(HTTPStatus.FORBIDDEN)
                    return
                posted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                notification = {"time": time.time(), "via": via, **posted}
                with writing, file.open("a", encoding="utf-8") as output:
                    output.write(f"{json.dumps(notification)}\n")
                self.send_response(HTTPStatus.OK)
                self.end_headers()
                self.wfile.write(b"ok")  # as Slack answers
                told(notification)

            def log_message(self, *_args: object) -> None:
                """Log nothing: the token is a secret."""

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self._url = f"http://{LOOPBACK}:{self._server.server_address[1]}/{token}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, via: str) -> str:
        """Return the URL, which is a secret, for one way to tell people."""
        return f"{self._url}/{via}"

    def stop(self) -> None:
        """Stop taking notifications."""
        self._server.shutdown()
        self._server.server_close()


class Subscriber(Follower):
    """Subscribes a receiver to every SNS topic of the account."""

    def __init__(self, account: Account, receiver: Receiver) -> None:
        """Prepare; `start` starts."""
        super().__init__("subscriber", account)
        self._endpoint = receiver.url("sns")
        self._subscribed: set[str] = set()

    def _follow(self) -> None:
        sns = self._account.client("sns")
        for topic in {it["TopicArn"] for it in sns.list_topics()["Topics"]} - self._subscribed:
            sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=self._endpoint)
            self._subscribed.add(topic)

    def _end(self) -> None:
        """Subscriptions go with the account."""


def read(file: Path) -> list[Notification]:
    """Return the notifications that a receiver has kept; none where there is no receiver."""
    if not file.exists():
        return []
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]  # not while it is written


def line(notification: Notification) -> str:
    """Say in a line who was told what."""
    alerts = notification.get("alerts")
    if not alerts:
        titles = [attachment["title"] for attachment in notification.get("attachments", [])]
        return f"{notification['via']}: {notification.get('Subject', '')}{' '.join(titles)}"
    names = sorted({alert["labels"]["alertname"] for alert in alerts})
    summaries = {alert["annotations"].get("summary", "") for alert in alerts}
    return (
        f"{notification['receiver']}: {notification['status'].upper()} {', '.join(names)}:"
        f" {' '.join(sorted(summaries))}"
    )
