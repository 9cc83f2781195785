"""The EC2 hosts: a real node_exporter for every running instance, on its private address."""

import logging
import os
from pathlib import Path

from sandbox import processes
from sandbox.following import Follower
from sandbox.resources import Account
from sandbox.security_groups import Network

_LOG = logging.getLogger("sandbox.hosts")
_STOP_TIMEOUT_S = 5


class Hosts(Follower):
    """Starts an exporter when an instance runs, and stops it when the instance does not.

    Only where Prometheus may connect, by the rules of the security groups: nothing else on this
    machine could refuse it. While there is no Prometheus, nobody could tell the difference, and
    what runs goes on.

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
        self._refused: dict[str, str] = {}

    def pids(self) -> dict[str, int]:
        """Return the process ids of the exporters, by their instance's id."""
        return {identifier: process.pid for identifier, process in list(self._exporters.items())}

    def _follow(self) -> None:
        network = Network.look(self._account.client("ec2"))
        if network.prometheus:
            self._apply_rules(network)
        gone = self._exporters.keys() - network.hosts.keys()
        self._ended -= gone
        refused = self._refused.keys() & self._exporters.keys() - self._ended
        away = [self._exporters.pop(identifier) for identifier in gone | refused]
        processes.stop(away, _STOP_TIMEOUT_S)
        if network.prometheus:
            for identifier in network.hosts.keys() - self._exporters.keys() - self._refused.keys():
                address = network.hosts[identifier].address
                self._exporters[identifier] = processes.start(
                    [self._node_exporter, f"--web.listen-address={address}:{self._port}"],
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

    def _apply_rules(self, network: Network) -> None:
        """Note whom Prometheus may not reach, and why."""
        before = self._refused
        reasons = {
            identifier: network.refusal(identifier, self._port) for identifier in network.hosts
        }
        self._refused = {identifier: reason for identifier, reason in reasons.items() if reason}
        for identifier, reason in self._refused.items():
            if before.get(identifier) != reason:
                _LOG.warning("no node_exporter runs for %s: %s", identifier, reason)

    def _end(self) -> None:
        processes.stop(self._exporters.values(), _STOP_TIMEOUT_S)

    def _log(self, identifier: str) -> Path:
        return self._logs / f"{identifier}.log"
