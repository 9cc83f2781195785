#!/bin/sh
# Write Alertmanager's configuration, its secrets and its templates, then become Alertmanager.
#
# The configuration is the value of ALERTMANAGER_CONFIG. Each file secrets/NAME that it names is
# written from the environment variable of the same name in upper case, and readable for nobody else;
# Alertmanager does not inherit the variable. In the templates, each ${NAME} is replaced by the value
# of the environment variable NAME. All of it goes below ALERTMANAGER_RENDERED_DIR. Nothing is written
# anywhere else. Arguments are passed on to alertmanager.
#
# CONFIGURATION_PORT, if it is set, says that a container beside this one brings later versions of the
# configuration (docs/adr/0026). What is written here is then the first one, in first/ there, and
# Alertmanager follows the link current; the secrets stay what they are.
#
# When something is wrong, all of it is reported at once and the exit status is 1. No secret is
# printed.
set -eu

here=$(dirname "$0")
# shellcheck source=/dev/null
. "$here/render.sh"

not_started="entrypoint: Alertmanager is not started"

# check_secret NAME: note what is wrong with the variable, without its value.
check_secret() {
    needed "$1" || return 0
    case $value in
    *[[:cntrl:][:space:]]*)
        problem "$1 contains a space or a line break. Store the secret without."
        return
        ;;
    esac
    case $1 in
    *_URL)
        if ! matches "$1" 'https?://[^/]+.*'; then
            problem "$1 is no URL (its value is a secret and not shown). Store one that begins with https://."
        fi
        ;;
    esac
}

for name in ALERTMANAGER_PORT ALERTMANAGER_CLUSTER_PORT ALERTMANAGER_LISTEN_HOST ALERTMANAGER_CONFIG_DIR \
    ALERTMANAGER_RENDERED_DIR ALERTMANAGER_DATA_DIR; do
    check "$name"
done
check_urls
for name in ALERTMANAGER_PEER ALERTMANAGER_CLUSTER_LABEL ALERTMANAGER_EXTERNAL_URL; do
    eval "value=\${$name-}"
    [ -z "$value" ] || check "$name"
done
needed ALERTMANAGER_CONFIG || true
named=$(printf '%s\n' "${ALERTMANAGER_CONFIG-}" | files)
set -f
IFS='
'
for file in $named; do
    name=$(variable "$file")
    if [ -n "$name" ]; then
        check_secret "$name"
    elif ! [ -r "$file" ] || [ "${file#/}" = "$file" ]; then
        problem "ALERTMANAGER_CONFIG names the file '$file', which cannot be read. Mount it there, or name secrets/NAME and set NAME in upper case."
    fi
done
if [ -n "${ALERTMANAGER_CONFIG_DIR-}" ] && ! [ -d "$ALERTMANAGER_CONFIG_DIR/templates" ]; then
    problem "ALERTMANAGER_CONFIG_DIR is '$ALERTMANAGER_CONFIG_DIR', where there are no templates. Set it to the directory of the configuration."
fi
stop_if_problems "$not_started"

umask 077
for name in ALERTMANAGER_RENDERED_DIR ALERTMANAGER_DATA_DIR; do
    eval "value=\$$name"
    mkdir -p "$value" 2>/dev/null || true # the next line says what is wrong
    if ! [ -d "$value" ] || ! [ -w "$value" ]; then
        problem "$name is '$value', where user $(id -u) cannot write. Mount a volume there that belongs to this user."
    fi
done
stop_if_problems "$not_started"

source_tree=$(cd "$ALERTMANAGER_CONFIG_DIR" && pwd -P)
rendered_tree=$(cd "$ALERTMANAGER_RENDERED_DIR" && pwd -P)
case "$source_tree/ $rendered_tree/" in
"$rendered_tree/"* | *" $source_tree/"*)
    problem "ALERTMANAGER_RENDERED_DIR is '$ALERTMANAGER_RENDERED_DIR', which holds ALERTMANAGER_CONFIG_DIR or lies in it. Set it to a directory of its own: what an earlier start left there is deleted."
    ;;
esac
stop_if_problems "$not_started"

# What an earlier start in the same task left.
first=$rendered_tree
configuration=$rendered_tree/alertmanager.yml
if [ -n "${CONFIGURATION_PORT-}" ]; then
    first=$rendered_tree/first
    configuration=$rendered_tree/current/alertmanager.yml
    mkdir -p "$first"
fi
rm -rf "$rendered_tree/secrets" "$first/templates"
mkdir "$rendered_tree/secrets"
rm -f "$first/alertmanager.yml"
printf '%s\n' "$ALERTMANAGER_CONFIG" >"$first/alertmanager.yml"
for file in $named; do
    name=$(variable "$file")
    if [ -n "$name" ]; then
        eval "printf '%s' \"\$$name\"" >"$rendered_tree/$file"
        chmod 0400 "$rendered_tree/$file"
        unset "$name"
    fi
done
render_templates "$source_tree" "$first"

if [ -n "${CONFIGURATION_PORT-}" ]; then
    # What an earlier start in the same task made current stays so.
    [ -e "$rendered_tree/current" ] || ln -sfn first "$rendered_tree/current"
    # Its name says that the first version is complete.
    cp "$here/render.sh" "$rendered_tree/.render.sh"
    mv "$rendered_tree/.render.sh" "$rendered_tree/render.sh"
    # Nobody waits for ever, whatever has become of the bucket and of the other container.
    waited=0
    while ! [ -e "$rendered_tree/attempted" ] && [ "$waited" -lt 60 ]; do
        sleep 1
        waited=$((waited + 1))
    done
fi

# Alone, without a cluster: nothing to wait for at start.
if [ -n "${ALERTMANAGER_PEER-}" ]; then
    # A replaced task never comes back under its address: without the timeout it counts as failed
    # for 6 hours.
    set -- --cluster.listen-address="$ALERTMANAGER_LISTEN_HOST:$ALERTMANAGER_CLUSTER_PORT" \
        --cluster.peer="$ALERTMANAGER_PEER:$ALERTMANAGER_CLUSTER_PORT" \
        --cluster.label="${ALERTMANAGER_CLUSTER_LABEL-}" \
        --cluster.reconnect-timeout=10m "$@"
else
    set -- --cluster.listen-address= "$@"
fi
if [ -n "${ALERTMANAGER_EXTERNAL_URL-}" ]; then
    set -- --web.external-url="$ALERTMANAGER_EXTERNAL_URL" "$@"
fi
data=$(cd "$ALERTMANAGER_DATA_DIR" && pwd -P)
listen=$ALERTMANAGER_LISTEN_HOST:$ALERTMANAGER_PORT
echo "entrypoint: configuration in $rendered_tree; peer ${ALERTMANAGER_PEER:-none}" >&2
unset ALERTMANAGER_CONFIG
cd "$rendered_tree" # the secrets' paths are relative
exec alertmanager \
    --config.file="$configuration" \
    --storage.path="$data" \
    --web.listen-address="$listen" \
    --enable-feature=utf8-strict-mode \
    "$@"
