#!/bin/sh
# Write Alertmanager's configuration, its secrets and its templates, then become Alertmanager.
#
# The configuration is the value of ALERTMANAGER_CONFIG. Each file secrets/NAME that it names is
# written from the environment variable of the same name in upper case, and readable for nobody else;
# Alertmanager does not inherit the variable. In the templates, each ${NAME} is replaced by the value
# of the environment variable NAME. All of it goes below ALERTMANAGER_RENDERED_DIR. Nothing is written
# anywhere else. Arguments are passed on to alertmanager.
#
# When something is wrong, all of it is reported at once and the exit status is 1. No secret is
# printed.
set -eu

missing=
problems=

problem() {
    problems="$problems
  - $1"
}

stop_if_problems() {
    if [ -n "$missing" ]; then
        problems="
  - Missing or empty: $missing. Set these environment variables.$problems"
    fi
    if [ -n "$problems" ]; then
        printf 'entrypoint: Alertmanager is not started:%s\n' "$problems" >&2
        exit 1
    fi
}

# Print the paths of the files that the configuration names, a line each, once.
files() {
    awk 'BEGIN {
        rest = ENVIRON["ALERTMANAGER_CONFIG"]
        while (match(rest, /"[a-z_]+_file" *: *"[^"]*"/)) {
            path = substr(rest, RSTART, RLENGTH)
            rest = substr(rest, RSTART + RLENGTH)
            sub(/^"[a-z_]+" *: *"/, "", path)
            sub(/"$/, "", path)
            if (!seen[path]++) print path
        }
    }'
}

# Print the name of the variable of a secret's file, or nothing for another file.
variable() { # variable PATH
    case $1 in
    secrets/*[!a-z0-9_]* | secrets/ | secrets/[0-9]*) ;;
    secrets/*) printf '%s\n' "${1#secrets/}" | tr '[:lower:]' '[:upper:]' ;;
    esac
}

# matches NAME REGEX: is all of the variable's value matched?
matches() {
    awk 'BEGIN { exit !(ENVIRON[ARGV[1]] ~ ("^(" ARGV[2] ")$")) }' "$1" "$2"
}

# needed NAME: set value, and note whether it is missing.
needed() {
    eval "value=\${$1-}"
    if [ -z "$value" ]; then
        missing="${missing:+$missing, }$1"
        return 1
    fi
}

# check NAME: note what is wrong with the variable. The end of a name says what it holds.
check() {
    needed "$1" || return 0
    case $value in
    *[[:cntrl:]]* | *[\"\'\`\\$]*)
        problem "$1 contains a quote, backslash, dollar sign, line break or other control character. Set it to a value without."
        return
        ;;
    esac
    case $1 in
    *_PORT)
        if ! matches "$1" '[1-9][0-9]?[0-9]?[0-9]?[0-9]?' || [ "$value" -gt 65535 ]; then
            problem "$1 is '$value'. Set it to a port, 1 to 65535."
        fi
        ;;
    *_URL)
        # Part of templates: no braces.
        if ! matches "$1" 'https?://[A-Za-z0-9._~:/?&=%@+,-]*[A-Za-z0-9._~=-]'; then
            problem "$1 is '$value'. Set it to a URL of letters, digits and . _ ~ : / ? & = % @ + , - without a slash at its end."
        fi
        ;;
    esac
}

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
for name in ALERTMANAGER_PEER ALERTMANAGER_CLUSTER_LABEL ALERTMANAGER_EXTERNAL_URL GRAFANA_URL; do
    eval "value=\${$name-}"
    [ -z "$value" ] || check "$name"
done
needed ALERTMANAGER_CONFIG || true
named=$(files)
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
stop_if_problems

umask 077
for name in ALERTMANAGER_RENDERED_DIR ALERTMANAGER_DATA_DIR; do
    eval "value=\$$name"
    mkdir -p "$value" 2>/dev/null || true # the next line says what is wrong
    if ! [ -d "$value" ] || ! [ -w "$value" ]; then
        problem "$name is '$value', where user $(id -u) cannot write. Mount a volume there that belongs to this user."
    fi
done
stop_if_problems

source_tree=$(cd "$ALERTMANAGER_CONFIG_DIR" && pwd -P)
rendered_tree=$(cd "$ALERTMANAGER_RENDERED_DIR" && pwd -P)
case "$source_tree/ $rendered_tree/" in
"$rendered_tree/"* | *" $source_tree/"*)
    problem "ALERTMANAGER_RENDERED_DIR is '$ALERTMANAGER_RENDERED_DIR', which holds ALERTMANAGER_CONFIG_DIR or lies in it. Set it to a directory of its own: what an earlier start left there is deleted."
    ;;
esac
stop_if_problems

# What an earlier start in the same task left.
rm -rf "$rendered_tree/secrets" "$rendered_tree/templates"
mkdir "$rendered_tree/secrets" "$rendered_tree/templates"
rm -f "$rendered_tree/alertmanager.yml"
printf '%s\n' "$ALERTMANAGER_CONFIG" >"$rendered_tree/alertmanager.yml"
for file in $named; do
    name=$(variable "$file")
    if [ -n "$name" ]; then
        eval "printf '%s' \"\$$name\"" >"$rendered_tree/$file"
        chmod 0400 "$rendered_tree/$file"
        unset "$name"
    fi
done
for file in $(cd "$source_tree/templates" && find . -type f -name '*.tmpl'); do
    awk '{
        rest = $0
        line = ""
        while (match(rest, /[$][{][A-Z][A-Z0-9_]*[}]/)) {
            line = line substr(rest, 1, RSTART - 1) ENVIRON[substr(rest, RSTART + 2, RLENGTH - 3)]
            rest = substr(rest, RSTART + RLENGTH)
        }
        print line rest
    }' "$source_tree/templates/$file" >"$rendered_tree/templates/${file##*/}"
done

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
    --config.file="$rendered_tree/alertmanager.yml" \
    --storage.path="$data" \
    --web.listen-address="$listen" \
    --enable-feature=utf8-strict-mode \
    "$@"
