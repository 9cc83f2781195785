"""What goes wrong in the engine, for people."""


class EngineError(Exception):
    """A run cannot go on; the message says why, names the resource, and says what to do."""
