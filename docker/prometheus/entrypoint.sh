#!/bin/sh
# Fill the environment's values into Prometheus's configuration, then become Prometheus.
#
# Each ${NAME} in a *.yml below PROMETHEUS_CONFIG_DIR is replaced by the value of the environment
# variable NAME, save in lines that are comments; the result goes to the same relative path below
# PROMETHEUS_RENDERED_DIR. Nothing is written anywhere else. Arguments are passed on to prometheus.
#
# PROMETHEUS_EXTERNAL_URL, if it is set, is where people reach Prometheus: links lead there.
#
# When something is wrong, all of it is reported at once and the exit status is 1.
#
# Credentials are only looked at, never written: Prometheus's AWS SDK reads AWS_ACCESS_KEY_ID and
# AWS_SECRET_ACCESS_KEY from the environment itself, or uses its chain (task role, ...).
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
        printf 'entrypoint: Prometheus is not started:%s\n' "$problems" >&2
        exit 1
    fi
}

not_writable() { # not_writable NAME DIRECTORY
    problem "$1 is '$2', where user $(id -u) cannot write. Mount a volume there that belongs to this user."
}

# Print the configuration's files below a directory, a line each, without those to be left out.
files() { # files DIRECTORY
    find "$1" -type f -name '*.yml' -exec awk '
        FNR == 1 && (!/^# needs: / || ENVIRON[$3] != "") { print FILENAME }' {} +
}

# Print the name of each variable that is needed, once.
needed() {
    {
        printf '%s\n' AWS_REGION VPC_ID ENVIRONMENT PROMETHEUS_PORT PROMETHEUS_LISTEN_HOST \
            PROMETHEUS_CONFIG_DIR PROMETHEUS_RENDERED_DIR PROMETHEUS_DATA_DIR
        if [ -d "${PROMETHEUS_CONFIG_DIR-}" ]; then
            files "$PROMETHEUS_CONFIG_DIR/" | while IFS= read -r file; do
                awk '!/^ *#/ {
                    while (match($0, /[$][{][A-Z][A-Z0-9_]*[}]/)) {
                        print substr($0, RSTART + 2, RLENGTH - 3)
                        $0 = substr($0, RSTART + RLENGTH)
                    }
                }' "$file"
            done
        fi
    } | awk '!seen[$0]++'
}

# matches NAME REGEX: is all of the variable's value matched?
matches() {
    awk 'BEGIN { exit !(ENVIRON[ARGV[1]] ~ ("^(" ARGV[2] ")$")) }' "$1" "$2"
}

# check NAME: note what is wrong with the variable. The end of a name says what it holds.
check() {
    case $1 in
    AWS_ACCESS_KEY_ID | AWS_SECRET_ACCESS_KEY | AWS_SESSION_TOKEN)
        problem "A configuration file asks for \${$1}, but credentials are never written to files. Remove it there: Prometheus takes it from the environment."
        return
        ;;
    esac
    value=
    eval "value=\${$1-}"
    case $value in
    '')
        missing="${missing:+$missing, }$1"
        return
        ;;
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
    *_INTERVAL | *_TIME)
        if ! matches "$1" '([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?' ||
            ! matches "$1" '.*[1-9].*'; then
            problem "$1 is '$value'. Set it to a duration above 0 as Prometheus writes it, such as 15s or 1d12h."
        fi
        ;;
    *_SIZE | *_SIZE_LIMIT)
        if ! matches "$1" '[1-9][0-9]*[KMGTPE]?B'; then
            problem "$1 is '$value'. Set it to a size above 0 with its unit, such as 512MB or 16GB."
        fi
        ;;
    *_REPLICA)
        if ! matches "$1" '[0-9]|[1-9][0-9]+'; then
            problem "$1 is '$value'. Set it to a whole number: 0 for the first."
        fi
        ;;
    *_LIMIT)
        if ! matches "$1" '[1-9][0-9]*'; then
            problem "$1 is '$value'. Set it to a whole number above 0."
        fi
        ;;
    *_URL)
        # Part of annotations, which are templates: no braces.
        if ! matches "$1" '[A-Za-z0-9._~:/?&=%@+,-]*[A-Za-z0-9._~=-]'; then
            problem "$1 is '$value'. Set it to a URL or a path of letters, digits and . _ ~ : / ? & = % @ + , - without a slash at its end."
        fi
        ;;
    esac
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
stop_if_problems

mkdir -p "$PROMETHEUS_RENDERED_DIR" 2>/dev/null || true # the next line says what is wrong
if ! [ -d "$PROMETHEUS_RENDERED_DIR" ] || ! [ -w "$PROMETHEUS_RENDERED_DIR" ]; then
    not_writable PROMETHEUS_RENDERED_DIR "$PROMETHEUS_RENDERED_DIR"
fi
if [ -e "$PROMETHEUS_DATA_DIR" ] && ! [ -w "$PROMETHEUS_DATA_DIR" ]; then
    not_writable PROMETHEUS_DATA_DIR "$PROMETHEUS_DATA_DIR"
fi
stop_if_problems

source_tree=$(cd "$PROMETHEUS_CONFIG_DIR" && pwd -P)
rendered_tree=$(cd "$PROMETHEUS_RENDERED_DIR" && pwd -P)
case "$source_tree/ $rendered_tree/" in
"$rendered_tree/"* | *" $source_tree/"*)
    problem "PROMETHEUS_RENDERED_DIR is '$PROMETHEUS_RENDERED_DIR', which holds PROMETHEUS_CONFIG_DIR or lies in it. Set it to a directory of its own: what an earlier start left there is deleted."
    ;;
esac
stop_if_problems

find "$rendered_tree" -type f -name '*.yml' -exec rm -f {} +
set -f
IFS='
'
for file in $(cd "$source_tree" && files .); do
    mkdir -p "$rendered_tree/${file%/*}"
    awk '/^ *#/ { print; next } {
        rest = $0
        line = ""
        while (match(rest, /[$][{][A-Z][A-Z0-9_]*[}]/)) {
            line = line substr(rest, 1, RSTART - 1) ENVIRON[substr(rest, RSTART + 2, RLENGTH - 3)]
            rest = substr(rest, RSTART + RLENGTH)
        }
        print line rest
    }' "$source_tree/$file" >"$rendered_tree/$file"
done
alerting=$rendered_tree/alerting.yml
if [ -f "$alerting" ]; then
    cat "$alerting" >>"$rendered_tree/prometheus.yml"
    rm -f "$alerting"
fi

echo "entrypoint: configuration for $ENVIRONMENT, $AWS_REGION, $VPC_ID in $rendered_tree; AWS credentials from $credentials" >&2
exec prometheus \
    --config.file="$rendered_tree/prometheus.yml" \
    --storage.tsdb.path="$PROMETHEUS_DATA_DIR" \
    --web.listen-address="$PROMETHEUS_LISTEN_HOST:$PROMETHEUS_PORT" \
    "$@"
