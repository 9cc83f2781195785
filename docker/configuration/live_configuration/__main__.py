"""The container's program: follows the bucket until SIGTERM."""

import logging
import os
import signal
import threading
from pathlib import Path

import botocore.session
from botocore.config import Config
from prometheus_client import start_http_server

from live_configuration.bucket import Bucket
from live_configuration.follower import Follower
from live_configuration.metrics import Metrics
from live_configuration.servers import Server

_WAITING_S = 0.2
"""Between two looks whether the server has left its first version."""

TIMEOUTS = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})
"""Of a client of S3: an attempt ends before a server stops waiting for the first one."""


def main() -> None:
    """Follow the bucket that the environment names."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    variables = os.environ
    server = Server.named(variables)
    metrics = Metrics(server.name)
    start_http_server(int(variables["CONFIGURATION_PORT"]), variables["CONFIGURATION_LISTEN_HOST"])
    client = botocore.session.get_session().create_client("s3", config=TIMEOUTS)
    bucket = Bucket(client, variables["CONFIGURATION_BUCKET"], server.name)
    follower = Follower(bucket, Path(variables["CONFIGURATION_DIR"]), server, metrics)
    interval_s = float(variables["CONFIGURATION_REFRESH_SECONDS"])
    while not ending.is_set():
        if follower.ready:
            follower.attempt()
        ending.wait(interval_s if follower.ready else _WAITING_S)


if __name__ == "__main__":
    main()
