#!/bin/bash
export NODE_EXPORTER_VERSION=1.12.1
export NODE_EXPORTER_PORT=9100
export ODD='a '"'"'b'"'"' $c'
set -eu
echo "node_exporter $NODE_EXPORTER_VERSION"
