"""What is particular to a server: how it checks its configuration, and loads it anew."""

import http.client
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from live_configuration.outcomes import FAILED, RELOAD, RefusedError, UnavailableError

_RELOAD_TIMEOUT_S = 30


@dataclass(frozen=True)
class Server:
    """A server beside this container."""

    name: str
    """Also how its keys in the bucket begin."""
    file: str
    """Its configuration's main file."""
    check: Sequence[str]
    """Command that checks the file, whose path is added to it."""
    address: tuple[str, int] | None = None
    """Where it is asked to load the configuration anew. None: it does so by itself."""

    @classmethod
    def named(cls, variables: Mapping[str, str]) -> "Server":
        """Return the one that CONFIGURATION_SERVER names."""
        if (name := variables["CONFIGURATION_SERVER"]) == "prometheus":
            return cls(name, "prometheus.yml", ("promtool", "check", "config"))
        return cls(
            name,
            "alertmanager.yml",
            # With matchers as strict as the server's own.
            ("amtool", "--enable-feature=utf8-strict-mode", "check-config"),
            (
                variables.get("ALERTMANAGER_LISTEN_HOST", "127.0.0.1"),
                int(variables["ALERTMANAGER_PORT"]),
            ),
        )

    def reload(self) -> None:
        """Let the server load its configuration anew, if it does not do so by itself.

        Raises:
            RefusedError: it cannot use it; it goes on with the one before.
            UnavailableError: it does not say.
        """
        if not self.address:
            return
        connection = http.client.HTTPConnection(*self.address, timeout=_RELOAD_TIMEOUT_S)
        try:
            connection.request("POST", "/-/reload")
            answer = connection.getresponse()
            if answer.status != http.client.OK:
                told = answer.read(2000).decode(errors="replace").strip()
                raise RefusedError(RELOAD, f"{self.name} cannot use it: {told}")
        except ConnectionRefusedError:
            return  # it does not run: when it starts, it reads what is current then
        except (OSError, http.client.HTTPException) as error:
            raise UnavailableError(
                FAILED, f"{self.name} has not said whether it uses it: {error}"
            ) from None
        finally:
            connection.close()
