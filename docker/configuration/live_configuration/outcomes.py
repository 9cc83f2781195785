"""How an attempt to bring the wanted version may end."""

LIVE, DENIED, UNREACHABLE, INCOMPLETE, FAILED = (
    *("live", "denied", "unreachable", "incomplete", "failed"),
)
POINTER, ARCHIVE, RENDER, CHECK, RELOAD = ("pointer", "archive", "render", "check", "reload")
RESULTS = (LIVE, DENIED, UNREACHABLE, INCOMPLETE, FAILED, POINTER, ARCHIVE, RENDER, CHECK, RELOAD)
"""All that an attempt may end with; from `pointer` on, the version was refused."""


class RefusedError(Exception):
    """The wanted version is not what the server can use."""

    def __init__(self, reason: str, message: str) -> None:
        """Take one of `RESULTS`, and what to tell."""
        super().__init__(message)
        self.reason = reason


class UnavailableError(Exception):
    """The wanted version cannot be had now, but perhaps later."""

    def __init__(self, result: str, message: str) -> None:
        """Take one of `RESULTS`, and what to tell."""
        super().__init__(message)
        self.result = result
