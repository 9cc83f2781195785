"""The EC2 hosts: a real node_exporter for every running instance, on its private address."""

import logging
import os
from pathlib import Path

from sandbox import processes
from sandbox.following import Follower
from sandbox.resources import Account

_LOG = logging.getLogger("sandbox.hosts")
_STOP_TIMEOUT_S = 5


class Hosts(Follower):
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
        super().__init__("hosts", account)
        self._node_exporter = node_exporter
        self._port = port
        self._logs = logs
        self._exporters: dict[str, processes.Process] = {}
        self._ended: set[str] = set()

    def _follow(self) -> None:
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
        for identifier in running.keys() - self._exporters.keys():
            self._exporters[identifier] = processes.start(
                [self._node_exporter, f"--web.listen-address={running[identifier]}:{self._port}"],
                log=self._log(identifier),
                environment={"PATH": os.environ.get("PATH", os.defpath)},
            )
        for identifier, process in self._exporters.items():
            if process.poll() is not None and identifier not in self._ended:
                self._ended.add(identifier)
                _LOG.warning(
                    "node_exporter of %s ended with %s: %s",
                    *(identifier, process.returncode, self._log(identifier)),
                )

    def _end(self) -> None:
        processes.stop(self._exporters.values(), _STOP_TIMEOUT_S)

    def _log(self, identifier: str) -> Path:
        return self._logs / f"{identifier}.log"
