"""What holds for all tests."""

# First of all: it sets how gRPC, which Pulumi imports, behaves when a process is started.
import sandbox  # noqa: F401
