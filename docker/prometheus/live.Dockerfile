# The official image with this project's configuration and rules.
#
#   docker build --build-arg PROMETHEUS_VERSION=<"prometheus" of versions.json> -t prometheus-aws .
#   docker run -p 127.0.0.1:9090:9090 -e AWS_REGION=... -e VPC_ID=... -e ENVIRONMENT=dev prometheus-aws
#
# No RUN: an image for arm64 builds on an x86 machine without emulation. Nothing needs BuildKit.

ARG PROMETHEUS_VERSION
ARG PROMETHEUS_DIGEST
ARG BASE_IMAGE=prom/prometheus:v${PROMETHEUS_VERSION}${PROMETHEUS_DIGEST:+@$PROMETHEUS_DIGEST}
FROM ${BASE_IMAGE}
ARG PROMETHEUS_VERSION
ARG BASE_IMAGE

LABEL org.opencontainers.image.title="prometheus-aws" \
      org.opencontainers.image.description="Prometheus that discovers the EC2 hosts of one VPC" \
      org.opencontainers.image.authors="The prometheus-aws authors" \
      org.opencontainers.image.vendor="prometheus-aws" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${PROMETHEUS_VERSION}" \
      org.opencontainers.image.base.name="${BASE_IMAGE}"

# nobody owns the files, as in the official image: they stay readable for it when the checkout's
# files are private to the user who builds.
COPY --chown=65534:65534 . /etc/prometheus/

# Creates the directory with the owner that its volume takes over, on Fargate too. The entrypoint
# overwrites the file.
COPY --chown=65534:65534 prometheus.yml /run/prometheus/

# AWS_REGION, VPC_ID and ENVIRONMENT have no default: the entrypoint insists on them.
ENV DISCOVERY_TAG_KEY=prometheus-scrape \
    DISCOVERY_TAG_VALUE=true \
    DISCOVERY_REFRESH_INTERVAL=60s \
    NODE_EXPORTER_PORT=9100 \
    SCRAPE_INTERVAL=15s \
    SAMPLE_LIMIT=10000 \
    BODY_SIZE_LIMIT=10MB \
    TARGET_LIMIT=2000 \
    RUNBOOK_BASE_URL=docs/runbooks \
    RETENTION_TIME=15d \
    RETENTION_SIZE=16GB \
    PROMETHEUS_PORT=9090 \
    PROMETHEUS_REPLICA=0 \
    PROMETHEUS_LISTEN_HOST=0.0.0.0 \
    PROMETHEUS_CONFIG_DIR=/etc/prometheus \
    PROMETHEUS_RENDERED_DIR=/run/prometheus \
    PROMETHEUS_DATA_DIR=/prometheus

USER 65534:65534
VOLUME ["/prometheus", "/run/prometheus"]
EXPOSE 9090
HEALTHCHECK --interval=30s --timeout=20s --start-period=300s --retries=10 \
    CMD wget -q -O /dev/null "http://127.0.0.1:${PROMETHEUS_PORT}/-/healthy"
ENTRYPOINT ["/bin/sh", "/etc/prometheus/entrypoint.sh"]
CMD []
