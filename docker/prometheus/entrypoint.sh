#!/bin/sh
# Fill the environment's values into Prometheus's configuration, then become Prometheus.
#
# Each ${NAME} in a *.yml below PROMETHEUS_CONFIG_DIR is replaced by the value of the environment
# variable NAME, save in lines that are comments; the result goes to the same relative path below
# PROMETHEUS_RENDERED_DIR. Nothing is written anywhere else. Arguments are passed on to prometheus.
#
# CONFIGURATION_PORT, if it is set, says that a container beside this one brings later versions of the
# configuration (docs/adr/0026). What is rendered here is then the first one, in first/ there, and
# Prometheus follows the link current.
#
# PROMETHEUS_EXTERNAL_URL, if it is set, is where people reach Prometheus: links lead there.
#
# When something is wrong, all of it is reported at once and the exit status is 1.
#
# Credentials are only looked at, never written: Prometheus's AWS SDK reads AWS_ACCESS_KEY_ID and
# AWS_SECRET_ACCESS_KEY from the environment itself, or uses its chain (task role, ...).
set -eu

here=$(dirname "$0")
# shellcheck source=/dev/null
. "$here/render.sh"

not_started="entrypoint: Prometheus is not started"

not_writable() { # not_writable NAME DIRECTORY
    problem "$1 is '$2', where user $(id -u) cannot write. Mount a volume there that belongs to this user."
}

# Print the name of each variable that is needed, once.
needed() {
    {
        printf '%s\n' AWS_REGION VPC_ID ENVIRONMENT PROMETHEUS_PORT PROMETHEUS_LISTEN_HOST \
            PROMETHEUS_CONFIG_DIR PROMETHEUS_RENDERED_DIR PROMETHEUS_DATA_DIR
        if [ -d "${PROMETHEUS_CONFIG_DIR-}" ]; then
            variables "$PROMETHEUS_CONFIG_DIR"
        fi
    } | awk '!seen[$0]++'
}

for name in $(needed); do
    check "$name"
done
if [ -n "${PROMETHEUS_EXTERNAL_URL-}" ]; then
    check PROMETHEUS_EXTERNAL_URL
    set -- --web.external-url="$PROMETHEUS_EXTERNAL_URL" "$@"
fi
credentials="the AWS SDK's default chain"
case ${AWS_ACCESS_KEY_ID:+id}${AWS_SECRET_ACCESS_KEY:+secret} in
idsecret) credentials="the environment" ;;
id) problem "AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY. Set both, or neither for $credentials." ;;
secret) problem "AWS_SECRET_ACCESS_KEY is set without AWS_ACCESS_KEY_ID. Set both, or neither for $credentials." ;;
esac
if [ -n "${PROMETHEUS_CONFIG_DIR-}" ] && ! [ -f "$PROMETHEUS_CONFIG_DIR/prometheus.yml" ]; then
    problem "PROMETHEUS_CONFIG_DIR is '$PROMETHEUS_CONFIG_DIR', where there is no prometheus.yml. Set it to the directory of the configuration."
fi
stop_if_problems "$not_started"

mkdir -p "$PROMETHEUS_RENDERED_DIR" 2>/dev/null || true # the next line says what is wrong
if ! [ -d "$PROMETHEUS_RENDERED_DIR" ] || ! [ -w "$PROMETHEUS_RENDERED_DIR" ]; then
    not_writable PROMETHEUS_RENDERED_DIR "$PROMETHEUS_RENDERED_DIR"
fi
if [ -e "$PROMETHEUS_DATA_DIR" ] && ! [ -w "$PROMETHEUS_DATA_DIR" ]; then
    not_writable PROMETHEUS_DATA_DIR "$PROMETHEUS_DATA_DIR"
fi
stop_if_problems "$not_started"

source_tree=$(cd "$PROMETHEUS_CONFIG_DIR" && pwd -P)
rendered_tree=$(cd "$PROMETHEUS_RENDERED_DIR" && pwd -P)
case "$source_tree/ $rendered_tree/" in
"$rendered_tree/"* | *" $source_tree/"*)
    problem "PROMETHEUS_RENDERED_DIR is '$PROMETHEUS_RENDERED_DIR', which holds PROMETHEUS_CONFIG_DIR or lies in it. Set it to a directory of its own: what an earlier start left there is deleted."
    ;;
esac
stop_if_problems "$not_started"

first=$rendered_tree
if [ -n "${CONFIGURATION_PORT-}" ]; then
    first=$rendered_tree/first
    mkdir -p "$first"
fi
find "$first" -type f -name '*.yml' -exec rm -f {} +
render "$source_tree" "$first"

configuration=$rendered_tree/prometheus.yml
if [ -n "${CONFIGURATION_PORT-}" ]; then
    configuration=$rendered_tree/current/prometheus.yml
    # What an earlier start in the same task made current stays so.
    [ -e "$rendered_tree/current" ] || ln -sfn first "$rendered_tree/current"
    # Its name says that the first version is complete.
    cp "$here/render.sh" "$rendered_tree/.render.sh"
    mv "$rendered_tree/.render.sh" "$rendered_tree/render.sh"
    # Alerts that were pending before a restart go on so only in the first configuration that is
    # loaded. Nobody waits for ever, whatever has become of the bucket and of the other container.
    waited=0
    while ! [ -e "$rendered_tree/attempted" ] && [ "$waited" -lt 60 ]; do
        sleep 1
        waited=$((waited + 1))
    done
    set -- --config.auto-reload --config.auto-reload-interval=10s "$@"
fi

echo "entrypoint: configuration for $ENVIRONMENT, $AWS_REGION, $VPC_ID in $rendered_tree; AWS credentials from $credentials" >&2
# What an alert has waited for counts after a restart, but for these 2 minutes, in which everything is
# discovered and scraped again. The default of 10m would let alerts of 10m and less begin anew.
exec prometheus \
    --config.file="$configuration" \
    --rules.alert.for-grace-period=2m \
    --storage.tsdb.path="$PROMETHEUS_DATA_DIR" \
    --web.listen-address="$PROMETHEUS_LISTEN_HOST:$PROMETHEUS_PORT" \
    "$@"
