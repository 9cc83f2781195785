"""Tasks find each other by name, with real questions over UDP and TCP."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from dnslib import RCODE, DNSRecord

from tests.sandbox.command import until
from tests.sandbox.test_ecs import TIMEOUT_S, Service, running_service

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="DNS and mounts of one's own need root")

_HOST = Path("/etc/resolv.conf").read_bytes()


def _ask(service: Service, name: str, kind: str = "A", *, tcp: bool = False) -> DNSRecord:
    question = DNSRecord.question(name, kind)
    return DNSRecord.parse(question.send(_resolver(service), 53, tcp=tcp, timeout=5))


def _resolver(service: Service) -> str:
    return service.vpc_cidr.replace("0.0/16", "0.2")


def _tasks(service: Service) -> list[object]:
    discovery = service.account.client("servicediscovery")
    (name,) = discovery.list_services()["Services"]
    instances: list[object] = discovery.list_instances(ServiceId=name["Id"])["Instances"]
    return instances


def _found(service: Service, *, tcp: bool = False) -> set[str]:
    return {str(answer.rdata) for answer in _ask(service, "web.internal", tcp=tcp).rr}


def test_without_root_tasks_fail_for_a_reason(tmp_path: Path) -> None:
    # As for a user who may not: somebody else has the port. The first test, as the others share an
    # emulator, of which a process has one at a time.
    dgram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with dgram as other, running_service(tmp_path) as service:
        other.bind((_resolver(service), 53))
        until("without names, tasks run", TIMEOUT_S, lambda: len(service.pids()) == 2)
        discovery = service.account.client("servicediscovery")
        discovery.create_private_dns_namespace(Name="internal", Vpc="vpc-1")
        for pid in service.pids():
            os.kill(pid, signal.SIGKILL)
        until("no task is replaced", TIMEOUT_S, lambda: service.agent.failure_count() >= 3)
        (failure,) = service.agent.failures()
        assert not service.pids()
    assert "servers that find each other by name need root here, to answer DNS at" in failure
    assert f"{_resolver(service)}, port 53" in failure


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Return a service of two tasks, which are found as web.internal."""
    with running_service(tmp_path_factory.mktemp("names"), name="web.internal") as made:
        until("both are registered", TIMEOUT_S, lambda: len(_tasks(made)) == 2)
        until("it answers", TIMEOUT_S, lambda: len(_found(made)) == 2)
        yield made


def test_nothing_else_has_a_name(service: Service) -> None:
    for name in ("other.internal", "web.example.com", "events.pagerduty.com", "localhost"):
        assert _ask(service, name).header.rcode == RCODE.NXDOMAIN
    no_ipv6 = _ask(service, "web.internal", "AAAA")
    assert (no_ipv6.header.rcode, no_ipv6.rr) == (RCODE.NOERROR, [])


def test_tasks_ask_it_and_nobody_else_does(service: Service) -> None:
    for pid in service.pids():
        seen = subprocess.run(
            ["nsenter", f"--target={pid}", "--mount", "cat", "/etc/resolv.conf"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert seen == f"nameserver {_resolver(service)}\n"
    assert Path("/etc/resolv.conf").read_bytes() == _HOST


def test_a_name_leads_to_all_tasks_that_run(service: Service) -> None:
    assert _found(service) == _found(service, tcp=True) == service.addresses()
    service.update(desiredCount=1)
    until("one is left", TIMEOUT_S, lambda: len(service.addresses()) == 1)
    before = _found(service)
    assert before == service.addresses()
    os.kill(min(service.pids()), signal.SIGKILL)
    until("another address is found", TIMEOUT_S, lambda: len(before | _found(service)) == 2)
    service.update(desiredCount=0)
    gone = lambda: _ask(service, "web.internal").header.rcode == RCODE.NXDOMAIN  # noqa: E731
    until("the name has gone with its last task", TIMEOUT_S, gone)
