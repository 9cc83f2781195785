"""What goes wrong in the engine, for people."""

from sandbox.errors import SandboxError


class EngineError(SandboxError):
    """A run cannot go on; the message says why, names the resource, and says what to do."""
