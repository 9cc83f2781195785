"""The whole system on one machine: an emulated AWS, the real Prometheus, real node_exporters."""

import python_version  # noqa: F401 - first of all

# isort: split

import atexit
import gc
import os

# moto, boto3 and Pulumi make half a million objects that stay. Python's own thresholds look through
# all of them again and again, and at the end of the process once more: half of what a sandbox
# computes.
gc.set_threshold(100_000, 20, 20)
atexit.register(gc.freeze)

# The engine starts processes while gRPC runs; gRPC would prepare each for a life without `exec`,
# and say so. It looks at this when it is imported.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
