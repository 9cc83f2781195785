"""Free ports and address ranges on this machine's loopback interface."""

import errno
import ipaddress
import random
import socket
from dataclasses import dataclass

from sandbox.errors import SandboxError

LOOPBACK = "127.0.0.1"
_LOOPBACK_RANGE = ipaddress.IPv4Network("127.0.0.0/8")
NODE_EXPORTER_PORT = 9100

_PORTS = range(20000, 32000)
"""Below those that Linux gives to outgoing connections (32768 and up), so that a port that was free
a second ago still is."""

_ATTEMPTS = 100


class AddressError(SandboxError):
    """An address or port cannot be had on this machine; the message says what to do."""


def free_port(address: str = LOOPBACK) -> int:
    """Return a port that nothing listens on.

    Raises:
        AddressError: none was found.
    """
    for port in random.sample(_PORTS, _ATTEMPTS):
        with socket.socket() as probe:
            try:
                probe.bind((address, port))
            except OSError:
                continue
            return port
    raise AddressError(f"no free port was found on {address} among {_PORTS}: end some programs")


def check_vpc_cidr(value: str) -> None:
    """Refuse a range of the VPC that Prometheus would scrape outside this machine.

    Raises:
        AddressError: it is not inside 127.0.0.0/8.
    """
    try:
        inside = ipaddress.IPv4Network(value, strict=False).subnet_of(_LOOPBACK_RANGE)
    except ValueError:
        inside = False
    if not inside:
        raise AddressError(
            f"the VPC's range (network.vpcCidr) is {value!r}: expected one inside"
            f" {_LOOPBACK_RANGE}, such as 127.42.0.0/16, because the sandbox's Prometheus scrapes"
            " its addresses for real."
            " The sandbox chooses a free one by itself"
        )


@dataclass(frozen=True)
class VpcRange:
    """A /16 inside 127.0.0.0/8 that no other sandbox on this machine uses, until `release`."""

    cidr: str
    node_exporter_port: int
    """Free on all addresses of the range."""
    _reservation: socket.socket

    def release(self) -> None:
        """Let another sandbox have the range."""
        self._reservation.close()


def reserve_vpc_range(preferred_port: int = NODE_EXPORTER_PORT) -> VpcRange:
    """Take a free /16, by holding a socket on its last address as long as the range is in use.

    That works between users, and the kernel lets go when the process ends, however it ends.

    Args:
        preferred_port: of the exporters, unless a program listens on it on all addresses.

    Raises:
        AddressError: this machine's loopback interface has one address only, or all are taken.
    """
    # 127.0 is where other programs listen.
    seconds = random.sample(range(1, 255), 254)
    for port in (preferred_port, free_port("0.0.0.0")):  # noqa: S104 - only to see that it is free
        for second in seconds:
            holder = socket.socket()
            try:
                holder.bind((f"127.{second}.255.254", port))
                holder.listen()
            except OSError as error:
                holder.close()
                if error.errno == errno.EADDRNOTAVAIL:
                    raise AddressError(
                        "addresses in 127.0.0.0/8 other than 127.0.0.1 cannot be used on this"
                        " machine: the sandbox needs Linux"
                    ) from error
                continue
            network = ipaddress.IPv4Network(f"127.{second}.0.0/16")
            return VpcRange(str(network), port, holder)
    raise AddressError("all ranges in 127.0.0.0/8 are taken: stop some sandboxes")
