"""The whole system on one machine: an emulated AWS, the real Prometheus, real node_exporters."""
