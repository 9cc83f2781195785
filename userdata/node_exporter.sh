#!/bin/bash
# Install node_exporter as a systemd service on Amazon Linux 2023 (x86_64 or arm64).
#
# Runs as root at an EC2 host's first boot, and may run again: what is in place is left alone, and
# the service is restarted only when its binary or unit has changed. Any failure ends it with exit
# code 1 and the failed command on the console (through cloud-init) and in the system log.
#
# Environment:
#   NODE_EXPORTER_VERSION       required, such as 1.12.1
#   NODE_EXPORTER_PORT          required, such as 9100
#   NODE_EXPORTER_DOWNLOAD_URL  optional, a mirror of the releases: files are taken from
#                               $NODE_EXPORTER_DOWNLOAD_URL/v<version>/. Default: GitHub, HTTPS only.
#   ROOT                        optional, a prefix of every path that is written. Default: none.
#                               For the tests, which also put stand-ins of systemctl, id and
#                               useradd on PATH.
set -Eeuo pipefail

die() {
    trap - ERR
    echo "node_exporter set-up failed: $1" >&2
    logger --tag node_exporter-setup --priority user.err "failed: $1" 2>/dev/null || true
    exit 1
}
trap 'die "$0 line $LINENO: $BASH_COMMAND: exit code $?"' ERR

for name in NODE_EXPORTER_VERSION NODE_EXPORTER_PORT; do
    [[ -n ${!name:-} ]] || die "the environment variable $name is missing or empty"
done
case $(uname -m) in
    x86_64) architecture=amd64 ;;
    aarch64) architecture=arm64 ;;
    *) die "no node_exporter for the architecture $(uname -m): expected x86_64 or aarch64" ;;
esac
version=$NODE_EXPORTER_VERSION
port=$NODE_EXPORTER_PORT
url=${NODE_EXPORTER_DOWNLOAD_URL:-https://github.com/prometheus/node_exporter/releases/download}/v$version
protocols=${NODE_EXPORTER_DOWNLOAD_URL:+http,}https
release=node_exporter-$version.linux-$architecture
root=${ROOT:-}
binary=/usr/local/bin/node_exporter
textfiles=/var/lib/node_exporter/textfile # for metrics that other programs write to *.prom files
unit=/etc/systemd/system/node_exporter.service
action=start # or restart, when something has changed

work=$(mktemp -d)
trap 'rm -rf "$work" "$root$binary.new"' EXIT
cd "$work"

download() {
    curl --fail --silent --show-error --location --proto "=$protocols" --connect-timeout 10 \
        --max-time 300 --retry 6 --retry-all-errors --remote-name "$url/$1" ||
        die "cannot download $url/$1: curl's exit code $?"
}

reports_version() {
    [[ $("$1" --version 2>&1 || true) == *"version $version "* ]]
}

# The binary. It is moved into place only once it is known to be the right one and to run.
if [[ ! -x $root$binary ]] || ! reports_version "$root$binary"; then
    download sha256sums.txt
    awk -v file="$release.tar.gz" '$2 == file' sha256sums.txt >checksum
    [[ -s checksum ]] || die "$url/sha256sums.txt has no line for $release.tar.gz"
    download "$release.tar.gz"
    sha256sum --check --strict --quiet checksum ||
        die "$url/$release.tar.gz does not match its checksum: nothing was installed"
    tar --extract --gzip --no-same-owner --file "$release.tar.gz" "$release/node_exporter"
    install -D --mode 0755 "$release/node_exporter" "$root$binary.new"
    reports_version "$root$binary.new" || die "the binary in $release.tar.gz is not version $version"
    mv --force "$root$binary.new" "$root$binary"
    action=restart
fi

# The user, without a home or a shell.
id node_exporter >/dev/null 2>&1 ||
    useradd --system --user-group --no-create-home --home-dir / --shell /sbin/nologin node_exporter
install --directory --mode 0755 "$root$textfiles"

# The unit. No ProtectClock, and adjtimex allowed: the clock's state is one of the metrics.
cat >unit <<EOF
[Unit]
Description=Prometheus exporter of this host's metrics
Documentation=https://github.com/prometheus/node_exporter
StartLimitIntervalSec=0

[Service]
User=node_exporter
Group=node_exporter
ExecStart=$binary --web.listen-address=:$port --collector.systemd --collector.systemd.enable-restarts-metrics --collector.textfile.directory=$textfiles
Restart=always
RestartSec=5
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service adjtimex clock_adjtime
SystemCallErrorNumber=EPERM
UMask=0077

[Install]
WantedBy=multi-user.target
EOF
if ! cmp --silent unit "$root$unit"; then
    install -D --mode 0644 unit "$root$unit"
    action=restart
fi

systemctl daemon-reload
systemctl enable --quiet node_exporter.service
systemctl "$action" node_exporter.service

curl --fail --silent --show-error --noproxy '*' --max-time 10 --retry 30 --retry-delay 1 \
    --retry-all-errors --output metrics "http://127.0.0.1:$port/metrics" ||
    die "no answer from http://127.0.0.1:$port/metrics: see journalctl --unit node_exporter"
grep --quiet "^node_exporter_build_info{.*version=\"$version\"" metrics ||
    die "what answers at http://127.0.0.1:$port/metrics is not node_exporter $version"
echo "node_exporter $version answers at port $port ($action)"
