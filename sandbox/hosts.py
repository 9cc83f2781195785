"""The EC2 hosts: a real node_exporter for every running instance, on its private address."""

import logging
import os
import threading
import time
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from sandbox import processes
from sandbox.processes import Process
from sandbox.resources import Account

_LOG = logging.getLogger("sandbox.hosts")

_POLL_INTERVAL_S = 0.5
_POLL_SHARE = 2
"""The pause is at least this many times as long as a poll takes: with many hosts, it takes long."""

_STOP_TIMEOUT_S = 5


class Hosts(threading.Thread):
    """Starts an exporter when an instance runs, and stops it when the instance does not.

    An exporter that ends by itself, or is killed, stays away until its instance is restarted: that
    is how a broken host looks.
    """

    def __init__(self, account: Account, node_exporter: Path, port: int, logs: Path) -> None:
        """Prepare; `start` starts.

        Args:
            account: whose instances to be.
            node_exporter: the binary.
            port: that the exporters listen on.
            logs: where the output of exporters goes, a file an instance.
        """
        super().__init__(name="hosts")
        self._account = account
        self._node_exporter = node_exporter
        self._port = port
        self._logs = logs
        self._exporters: dict[str, Process] = {}
        self._ended: set[str] = set()
        self._stopping = threading.Event()

    def run(self) -> None:
        """Follow the instances until `stop`; then stop all exporters."""
        pause = 0.0
        try:
            while not self._stopping.wait(pause):
                began = time.monotonic()
                try:
                    self._reconcile()
                except (ClientError, BotoCoreError) as error:
                    _LOG.warning("EC2: %s", error)
                took = time.monotonic() - began
                pause = max(_POLL_INTERVAL_S, _POLL_SHARE * took)
        finally:
            processes.stop(self._exporters.values(), _STOP_TIMEOUT_S)

    def stop(self) -> None:
        """Stop all exporters, and wait until they have ended."""
        self._stopping.set()
        if self.is_alive():
            self.join()

    def _reconcile(self) -> None:
        pages = (
            self._account.client("ec2")
            .get_paginator("describe_instances")
            .paginate(Filters=[{"Name": "instance-state-name", "Values": ["running"]}])
        )
        running = {
            instance["InstanceId"]: instance["PrivateIpAddress"]
            for page in pages
            for reservation in page["Reservations"]
            for instance in reservation["Instances"]
        }
        gone = self._exporters.keys() - running.keys()
        processes.stop([self._exporters.pop(identifier) for identifier in gone], _STOP_TIMEOUT_S)
        self._ended -= gone
        for identifier, address in running.items():
            if identifier not in self._exporters:
                self._exporters[identifier] = self._start(identifier, address)
        for identifier, process in self._exporters.items():
            if process.poll() is not None and identifier not in self._ended:
                self._ended.add(identifier)
                _LOG.warning(
                    "node_exporter of %s ended with %s: %s",
                    *(identifier, process.returncode, self._log(identifier)),
                )

    def _start(self, identifier: str, address: str) -> Process:
        return processes.start(
            [self._node_exporter, f"--web.listen-address={address}:{self._port}"],
            log=self._log(identifier),
            environment={"PATH": os.environ.get("PATH", os.defpath)},
        )

    def _log(self, identifier: str) -> Path:
        return self._logs / f"{identifier}.log"
