#!/bin/bash
# Mount an EBS volume at /data and join an ECS cluster, on the ECS-optimised Amazon Linux 2023.
#
# Runs as root at an ECS host's first boot, and may run again. The agent, and with it every
# container, starts only where /data is a mount point: nothing is ever written to the root disk in
# its place. Any failure ends it with exit code 1 and the reason on the console (through cloud-init)
# and in the system log; then the host stays out of the cluster. A reboot mounts by /etc/fstab,
# without `nofail`: a host whose volume is away does not come up, and its group replaces it.
#
# Environment:
#   VOLUME_ID         required, such as vol-0123456789abcdef0; it is in the host's zone
#   ECS_CLUSTER       required, name of the cluster
#   DATA_DIRECTORY    required, the directory of the server below /data, such as prometheus
#   DATA_OWNER        required, whom the directory belongs to, such as 65534:65534
#   CAPACITY_PROVIDER required, its own: a host that joins before the cluster knows it gets no task
#   TIMEOUT           optional, seconds to wait for the volume: another host may still hold it, which
#                     ECS lets drain for 48 hours at most. Default: 50 hours.
#   ROOT              optional, a prefix of every path. Default: none. For the tests, which also put
#                     stand-ins of aws, curl and systemctl on PATH.
set -Eeuo pipefail

die() {
    trap - ERR
    echo "data volume set-up failed: $1" >&2
    logger --tag data-volume-setup --priority user.err "failed: $1" 2>/dev/null || true
    exit 1
}
trap 'die "$0 line $LINENO: $BASH_COMMAND: exit code $?"' ERR

root=${ROOT:-}
data=$root/data
timeout=${TIMEOUT:-180000}
# Looked through before a device is formatted: blkid finds nothing on a damaged xfs, whose other
# headers are still there, each at the beginning of a sector. That all is
# zero cannot be asked: what was never written to an encrypted volume may read as anything.
# Source: https://github.com/kubernetes/kubernetes/issues/86064
searched_bytes=$((64 * 1024 * 1024))

# First of all the lock. The agent waits for the end of user data, but not for its success.
install -D --mode 0644 /dev/stdin "$root/etc/systemd/system/ecs.service.d/10-data.conf" <<'EOF'
[Service]
ExecStartPre=/usr/bin/mountpoint --quiet /data
EOF
systemctl daemon-reload

for name in VOLUME_ID ECS_CLUSTER CAPACITY_PROVIDER DATA_DIRECTORY DATA_OWNER; do
    [[ -n ${!name:-} ]] || die "the environment variable $name is missing or empty"
done

# AWS does not say that the image has them.
for pair in mkfs.xfs:xfsprogs xfs_growfs:xfsprogs aws:awscli-2; do
    program=${pair%:*} package=${pair#*:}
    command -v "$program" >/dev/null || dnf install --assumeyes --quiet "$package" ||
        die "cannot install $package, which has $program: dnf's exit code $?"
    command -v "$program" >/dev/null || die "the package $package has no $program"
done

header=X-aws-ec2-metadata-token
no_metadata="no answer from the host's metadata service"
metadata() {
    curl --fail --silent --show-error --noproxy '*' --max-time 5 --retry 10 --retry-all-errors \
        "${@:2}" "http://169.254.169.254/latest/$1"
}

# Prints the path of the volume's device, if it is attached. Its serial number is the volume's id:
# never the device's name, which is in the order of attachment, nor its size. The links in
# /dev/disk/by-id say the same, but can be out of date. Sources:
# https://docs.aws.amazon.com/ebs/latest/userguide/nvme-ebs-volumes.html
# https://github.com/kubernetes-sigs/aws-ebs-csi-driver/issues/1224
device_of_volume() {
    local serial
    for serial in "$root"/sys/block/nvme*/device/serial; do
        if [[ -e $serial && $(tr -d '[:space:]' <"$serial") == "${VOLUME_ID/-/}" ]]; then
            serial=${serial#"$root/sys/block/"}
            echo "$root/dev/${serial%%/*}"
            return
        fi
    done
}

token=$(metadata api/token --request PUT --header "$header-ttl-seconds: 300") || die "$no_metadata"
instance=$(metadata meta-data/instance-id --header "$header: $token") || die "$no_metadata"
region=$(metadata meta-data/placement/region --header "$header: $token") || die "$no_metadata"

deadline=$((SECONDS + timeout))
attached=
# Looked for at every turn: AWS refuses to attach what it has attached already, to this host too,
# as after an answer that was lost.
until device=$(device_of_volume) && [[ -b $device ]]; do
    if [[ -n $attached ]]; then
        ((SECONDS < deadline)) ||
            die "$VOLUME_ID is attached, but no NVMe device has its id as serial number"
        sleep 1
    elif refusal=$(aws ec2 attach-volume --region "$region" --volume-id "$VOLUME_ID" \
        --instance-id "$instance" --device /dev/sdf 2>&1); then
        attached=yes
    else
        ((SECONDS < deadline)) ||
            die "cannot attach $VOLUME_ID to $instance for $timeout s: ${refusal//$'\n'/ }"
        echo "waiting for $VOLUME_ID: ${refusal//$'\n'/ }"
        sleep 5
    fi
done

if mountpoint --quiet "$data"; then
    [[ $(mountpoint --fs-devno "$data") == $(mountpoint --devno "$device") ]] ||
        die "/data is another device than $VOLUME_ID"
else
    # Exit code 2: blkid has found nothing, or cannot read.
    code=0
    found=$(blkid --probe --output export "$device") || code=$?
    if ((code == 2)); then
        head --bytes="$searched_bytes" "$device" >/dev/null || die "$VOLUME_ID cannot be read"
        left=$(head --bytes="$searched_bytes" "$device" |
            LC_ALL=C grep --text --only-matching --byte-offset --extended-regexp 'XFSB|XAGF|XAGI|XAFL' |
            awk -F: '$1 % 512 == 0' || true)
        [[ -z $left ]] ||
            die "$VOLUME_ID holds what is left of a file system: it is not formatted"
        mkfs.xfs -q "$device"
        found=$(blkid --probe --output export "$device")
    elif ((code)); then
        die "$VOLUME_ID cannot be recognised: blkid's exit code $code"
    fi
    [[ $found == *$'\nTYPE=xfs'* && $found != *PTTYPE=* ]] ||
        die "$VOLUME_ID holds something else than an xfs file system: ${found//$'\n'/ }"
    uuid=$(sed -n 's/^UUID=//p' <<<"$found")
    install --directory --mode 0755 "$data"
    mount --types xfs --options noatime "$device" "$data"
    fstab="UUID=$uuid /data xfs noatime 0 0"
    grep --quiet --line-regexp --fixed-strings "$fstab" "$root/etc/fstab" ||
        echo "$fstab" >>"$root/etc/fstab"
fi
xfs_growfs -d "$data"

# The top directory only: what is in it belongs to the server already.
install --directory --mode 0755 "$data/$DATA_DIRECTORY"
chown "$DATA_OWNER" "$data/$DATA_DIRECTORY"

# A volume that is enlarged while the host runs is used within five minutes.
install -D --mode 0644 /dev/stdin "$root/etc/systemd/system/data-grow.service" <<'EOF'
[Unit]
Description=Grow the file system of /data to its volume

[Service]
Type=oneshot
ExecStart=/usr/sbin/xfs_growfs -d /data
EOF
install -D --mode 0644 /dev/stdin "$root/etc/systemd/system/data-grow.timer" <<'EOF'
[Unit]
Description=Grow the file system of /data to its volume

[Timer]
OnActiveSec=5min
OnUnitActiveSec=5min

[Install]
WantedBy=timers.target
EOF
systemctl daemon-reload
systemctl enable --quiet --now data-grow.timer

# A host that joins the cluster before its provider belongs to it gets no task. Source:
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/asg-capacity-providers.html
until known=$(aws ecs describe-clusters --region "$region" --clusters "$ECS_CLUSTER" \
    --query 'clusters[0].capacityProviders' --output text 2>&1) &&
    [[ $'\t'$known$'\t' == *$'\t'"$CAPACITY_PROVIDER"$'\t'* ]]; do
    ((SECONDS < deadline)) || die "$CAPACITY_PROVIDER is none of $ECS_CLUSTER: ${known//$'\n'/ }"
    echo "waiting for $ECS_CLUSTER to know $CAPACITY_PROVIDER"
    sleep 5
done

# Tasks with a network of their own have no business with the host's role.
install -D --mode 0644 /dev/stdin "$root/etc/ecs/ecs.config" <<EOF
ECS_CLUSTER=$ECS_CLUSTER
ECS_AWSVPC_BLOCK_IMDS=true
EOF
echo "$VOLUME_ID is mounted at /data; the host joins $ECS_CLUSTER"
