"""The whole system on one machine: an emulated AWS, the real Prometheus, real node_exporters."""

import python_version  # noqa: F401 - first of all

# isort: split

import os

# The engine starts processes while gRPC runs; gRPC would prepare each for a life without `exec`,
# and say so. It looks at this when it is imported.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
