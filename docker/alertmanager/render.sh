#!/bin/sh
# Fill the environment's values into Alertmanager's templates, beside its configuration.
#
#   render.sh SOURCE TARGET
#
# SOURCE holds alertmanager.yml, which is copied, and templates/, in which each ${NAME} is replaced by
# the value of the environment variable NAME. The files that the configuration names, as seen from
# the working directory, have to be there: Alertmanager would start without, and the first page would
# fail. Nothing is written but TARGET, which must be empty.
#
# entrypoint.sh has the functions from here, and leaves this file where the container that brings
# later versions of the configuration runs it (docs/adr/0026): all are rendered by the same lines.
#
# When something is wrong, all of it is reported at once and the exit status is 1.

missing=
problems=

problem() {
    problems="$problems
  - $1"
}

stop_if_problems() { # stop_if_problems WHAT
    if [ -n "$missing" ]; then
        problems="
  - Missing or empty: $missing. Set these environment variables.$problems"
    fi
    if [ -n "$problems" ]; then
        printf '%s:%s\n' "$1" "$problems" >&2
        exit 1
    fi
}

# Print the paths of the files that the configuration names, a line each, once.
files() { # files < CONFIGURATION
    awk '{
        rest = $0
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

check_urls() { # of what templates ask for, as far as it is there
    [ -z "${GRAFANA_URL-}" ] || check GRAFANA_URL
}

render_templates() ( # render_templates SOURCE TARGET
    set -f
    IFS='
'
    mkdir "$2/templates"
    for file in $(cd "$1/templates" && find . -type f -name '*.tmpl'); do
        awk '{
            rest = $0
            line = ""
            while (match(rest, /[$][{][A-Z][A-Z0-9_]*[}]/)) {
                line = line substr(rest, 1, RSTART - 1) ENVIRON[substr(rest, RSTART + 2, RLENGTH - 3)]
                rest = substr(rest, RSTART + RLENGTH)
            }
            print line rest
        }' "$1/templates/$file" >"$2/templates/${file##*/}"
    done
)

if [ "${0##*/}" = render.sh ]; then
    set -euf
    check_urls
    for part in alertmanager.yml templates; do
        [ -e "$1/$part" ] || problem "There is no $part. Add it."
    done
    stop_if_problems "render: the configuration is refused"
    IFS='
'
    for file in $(files <"$1/alertmanager.yml"); do
        [ -r "$file" ] || problem "alertmanager.yml names the file '$file', which is not there. The file of a secret is written when a task starts: let the tasks be replaced, or do not name it."
    done
    stop_if_problems "render: the configuration is refused"
    umask 077
    cp "$1/alertmanager.yml" "$2/alertmanager.yml"
    render_templates "$1" "$2"
fi
