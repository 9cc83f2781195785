"""What plays a part of AWS on this machine: it follows what is in the emulated account."""

import logging
import threading
import time
from abc import ABC, abstractmethod

from botocore.exceptions import BotoCoreError, ClientError

from sandbox.resources import Account

_POLL_INTERVAL_S = 0.5
_POLL_SHARE = 2
"""The pause is at least this many times as long as a look takes: with many hosts, it takes long."""


class Follower(threading.Thread, ABC):
    """Looks at the account again and again, until `stop`."""

    def __init__(self, name: str, account: Account) -> None:
        """Prepare; `start` starts."""
        super().__init__(name=name)
        self._account = account
        self._stopping = threading.Event()

    def run(self) -> None:
        """Follow until `stop`; then stop all that has been started."""
        pause = 0.0
        try:
            while not self._stopping.wait(pause):
                began = time.monotonic()
                try:
                    self._follow()
                except (ClientError, BotoCoreError) as error:
                    # Such as for what was deleted between two calls: look again.
                    logging.getLogger(f"sandbox.{self.name}").warning("%s", error)
                pause = max(_POLL_INTERVAL_S, _POLL_SHARE * (time.monotonic() - began))
        finally:
            self._end()

    def stop(self) -> None:
        """Stop all that has been started, and wait until it has ended."""
        self._stopping.set()
        if self.is_alive():
            self.join()

    @abstractmethod
    def _follow(self) -> None:
        """Make this machine as the account is."""

    @abstractmethod
    def _end(self) -> None:
        """Stop all that has been started."""
