"""How gunicorn runs the service, and serves its metrics. Names are gunicorn's.

Source: https://docs.gunicorn.org/en/stable/settings.html
"""

import os

from prometheus_client import start_http_server

_HOST = os.environ.get("LISTEN_HOST", "0.0.0.0")  # noqa: S104 - in a container

bind = f"{_HOST}:{os.environ.get('PORT', '8000')}"

# One process: of several, each would count for itself, and a scrape would meet any one of them.
# For more load, there are threads, then more tasks.
workers = 1
worker_class = "gthread"
threads = 8

# Longer than a load balancer keeps a connection (60 s): it must be the one to close, or it sends
# orders into closed connections. Source:
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html
keepalive = 75
# Less than ECS waits before it kills: 120 s, as components/containers says.
graceful_timeout = 25

# The root is read-only; this is memory in every container.
worker_tmp_dir = "/dev/shm"  # noqa: S108
control_socket_disable = True


def post_worker_init(_worker: object) -> None:
    """Serve the metrics, at a port of their own.

    So the load balancer shows nobody what the shop earns, and a scrape needs none of the threads
    when customers have them all.
    """
    start_http_server(int(os.environ.get("METRICS_PORT", "8001")), _HOST)
