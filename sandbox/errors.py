"""What goes wrong in the sandbox, for people."""


class SandboxError(Exception):
    """Base of all errors that end a command with their message: why, and what to do."""
