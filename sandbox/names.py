"""The VPC's resolver: DNS for the names of Cloud Map, which the emulator keeps and answers not."""

import ipaddress
import logging
import subprocess
from pathlib import Path

from dnslib import QTYPE, RCODE, RR, A, DNSRecord
from dnslib.server import BaseResolver, DNSLogger, DNSServer

from sandbox.errors import SandboxError
from sandbox.resources import Account

_LOG = logging.getLogger("sandbox.names")
_PORT = 53
"""The only one that Prometheus and Alertmanager ask."""


class NamesError(SandboxError):
    """Names cannot be answered here; the message says why and what to do."""


class Names:
    """Answers on the address where AWS's resolver is, too: the second one of the VPC.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html

    It starts when something in the account has a name. A task asks it because it finds a file of
    its own as /etc/resolv.conf. Both take root: to listen on port 53, and to mount the file where
    nobody but the task sees it.
    """

    def __init__(self, account: Account, vpc_cidr: str, file: Path) -> None:
        """Prepare.

        Args:
            account: whose names to answer for.
            vpc_cidr: the VPC's range.
            file: where to write what is a task's /etc/resolv.conf.
        """
        self._account = account
        self._address = str(ipaddress.IPv4Network(vpc_cidr)[2])
        self._file = file
        self._servers: list[DNSServer] = []

    def file(self) -> Path | None:
        """Return what is to be a task's /etc/resolv.conf; None while nothing has a name.

        Raises:
            NamesError: something has a name, but this user cannot have it answered.
        """
        discovery = self._account.client("servicediscovery")
        if not self._servers and discovery.list_namespaces()["Namespaces"]:
            try:
                self._start()
            except OSError as error:
                self.stop()
                raise NamesError(
                    "servers that find each other by name need root here, to answer DNS at"
                    f" {self._address}, port {_PORT}, and to let nobody else ask there ({error}):"
                    " run the sandbox as root, or a stack without the block alertmanager"
                ) from error
        return self._file if self._servers else None

    def _start(self) -> None:
        tried = subprocess.run(
            ["unshare", "--mount", "true"], capture_output=True, text=True, check=False
        )
        if tried.returncode:
            raise OSError(tried.stderr.strip())
        for tcp in (False, True):
            resolver, logger = _CloudMap(self._account), DNSLogger(logf=_LOG.debug)
            self._servers.append(DNSServer(resolver, self._address, _PORT, tcp, logger))
        for server in self._servers:
            server.start_thread()
        self._file.write_text(f"nameserver {self._address}\n", encoding="utf-8")
        self._file.chmod(0o644)  # a container's user reads it, whatever our umask
        _LOG.info("names are answered at %s", self._address)

    def stop(self) -> None:
        """Stop answering."""
        for server in self._servers:
            if hasattr(server, "thread"):  # else it would wait for ever
                server.stop()
            server.server.server_close()
        self._servers = []


class _CloudMap(BaseResolver):  # type: ignore[misc] # dnslib has no types
    def __init__(self, account: Account) -> None:
        self._discovery = account.client("servicediscovery")

    def resolve(self, request: DNSRecord, _handler: object) -> DNSRecord:
        """Answer a question; nothing outside Cloud Map has a name."""
        reply = request.reply()
        found = self._addresses(str(request.q.qname).rstrip(".").lower())
        if not found:
            reply.header.rcode = RCODE.NXDOMAIN
        elif request.q.qtype == QTYPE.A:
            for address in found:
                reply.add_answer(RR(request.q.qname, QTYPE.A, rdata=A(address), ttl=0))
        return reply

    def _addresses(self, name: str) -> list[str]:
        # Not by `discover_instances`: moto overlooks a namespace in a service's `DnsConfig`.
        domains = {it["Id"]: it["Name"] for it in self._discovery.list_namespaces()["Namespaces"]}
        return [
            instance["Attributes"]["AWS_INSTANCE_IPV4"]
            for service in self._discovery.list_services()["Services"]
            if name == f"{service['Name']}.{domains.get(service['DnsConfig']['NamespaceId'])}"
            for instance in self._discovery.list_instances(ServiceId=service["Id"])["Instances"]
        ]
