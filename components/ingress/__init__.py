"""The way in: a load balancer with TLS and authentication, host names, access logs."""

from components.ingress.ingress import Ingress
from components.ingress.ingress_args import IngressArgs

__all__ = ["Ingress", "IngressArgs"]
