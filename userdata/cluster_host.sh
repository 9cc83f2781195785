#!/bin/bash
# Join an ECS cluster with a capacity provider, on the ECS-optimised Amazon Linux 2023.
#
# Runs as root at an ECS host's first boot, and may run again. The agent starts when user data has
# ended, whether well or not. Any failure ends this with exit code 1 and the reason on the console
# (through cloud-init) and in the system log; without its cluster's name the agent tries the cluster
# `default`, which the host's role does not let it join.
#
# Environment:
#   ECS_CLUSTER       required, name of the cluster
#   CAPACITY_PROVIDER required, its own: a host that joins before the cluster knows it gets no task
#   TIMEOUT           optional, seconds to wait for that. Default: one hour.
#   ROOT              optional, a prefix of every path. Default: none. For the tests, which also put
#                     stand-ins of aws, curl and dnf on PATH.
set -Eeuo pipefail

die() {
    trap - ERR
    echo "cluster host set-up failed: $1" >&2
    logger --tag cluster-host-setup --priority user.err "failed: $1" 2>/dev/null || true
    exit 1
}
trap 'die "$0 line $LINENO: $BASH_COMMAND: exit code $?"' ERR

for name in ECS_CLUSTER CAPACITY_PROVIDER; do
    [[ -n ${!name:-} ]] || die "the environment variable $name is missing or empty"
done

# AWS does not say that the image has it.
command -v aws >/dev/null || dnf install --assumeyes --quiet awscli-2 ||
    die "cannot install awscli-2: dnf's exit code $?"

header=X-aws-ec2-metadata-token
metadata() {
    curl --fail --silent --show-error --noproxy '*' --max-time 5 --retry 10 --retry-all-errors \
        "${@:2}" "http://169.254.169.254/latest/$1"
}
if ! token=$(metadata api/token --request PUT --header "$header-ttl-seconds: 300") ||
    ! region=$(metadata meta-data/placement/region --header "$header: $token"); then
    die "no answer from the host's metadata service"
fi

# Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/asg-capacity-providers.html
deadline=$((SECONDS + ${TIMEOUT:-3600}))
until known=$(aws ecs describe-clusters --region "$region" --clusters "$ECS_CLUSTER" \
    --query 'clusters[0].capacityProviders' --output text 2>&1) &&
    [[ $'\t'$known$'\t' == *$'\t'"$CAPACITY_PROVIDER"$'\t'* ]]; do
    ((SECONDS < deadline)) || die "$CAPACITY_PROVIDER is none of $ECS_CLUSTER: ${known//$'\n'/ }"
    echo "waiting for $ECS_CLUSTER to know $CAPACITY_PROVIDER"
    sleep 5
done

# Tasks with a network of their own have no business with the host's role; those of a Spot instance
# that AWS takes away are to end in time.
install -D --mode 0644 /dev/stdin "${ROOT:-}/etc/ecs/ecs.config" <<EOF
ECS_CLUSTER=$ECS_CLUSTER
ECS_AWSVPC_BLOCK_IMDS=true
ECS_ENABLE_SPOT_INSTANCE_DRAINING=true
EOF
echo "the host joins $ECS_CLUSTER"
