#!/bin/sh
# Fill the environment's values into a tree of Prometheus's configuration.
#
#   render.sh SOURCE TARGET
#
# Each ${NAME} in a *.yml below SOURCE is replaced by the value of the environment variable NAME, save
# in lines that are comments; the result goes to the same relative path below TARGET. A file that
# begins with `# needs: NAME` is left out without that variable. A line `# each NAME: TEXT` becomes a
# line TEXT for every word KEY=VALUE of the variable NAME, with ${KEY} and ${VALUE} filled in: none
# without that variable. Nothing is written anywhere else.
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

# Print the configuration's files below a directory, a line each, without those to be left out.
files() { # files DIRECTORY
    find "$1" -type f -name '*.yml' -exec awk '
        FNR == 1 && (!/^# needs: / || ENVIRON[$3] != "") { print FILENAME }' {} +
}

# Print the name of each variable that the files below a directory name.
variables() { # variables DIRECTORY
    files "$1/" | while IFS= read -r file; do
        awk '!/^ *#/ || /^ *# each [A-Z][A-Z0-9_]*: / {
            each = /^ *#/
            name = substr($3, 1, length($3) - 1)
            if (each && ENVIRON[name] != "") print name
            while (match($0, /[$][{][A-Z][A-Z0-9_]*[}]/)) {
                name = substr($0, RSTART + 2, RLENGTH - 3)
                if (!each || (name != "KEY" && name != "VALUE")) print name
                $0 = substr($0, RSTART + RLENGTH)
            }
        }' "$file"
    done
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
    *_MAP)
        if ! matches "$1" '[A-Za-z0-9._-]+=[A-Za-z0-9._:/-]+( [A-Za-z0-9._-]+=[A-Za-z0-9._:/-]+)*'; then
            problem "$1 is '$value'. Set it to words KEY=VALUE with a blank between two, of letters, digits and . _ -, in VALUE : and / as well."
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

render() ( # render SOURCE TARGET
    set -f
    IFS='
'
    for file in $(cd "$1" && files .); do
        mkdir -p "$2/${file%/*}"
        awk 'function filled(rest,  line, name) {
            while (match(rest, /[$][{][A-Z][A-Z0-9_]*[}]/)) {
                name = substr(rest, RSTART + 2, RLENGTH - 3)
                line = line substr(rest, 1, RSTART - 1) (name in word ? word[name] : ENVIRON[name])
                rest = substr(rest, RSTART + RLENGTH)
            }
            return line rest
        }
        /^ *# each [A-Z][A-Z0-9_]*: / {
            indent = substr($0, 1, index($0, "#") - 1)
            text = substr($0, index($0, ": ") + 2)
            count = split(ENVIRON[substr($3, 1, length($3) - 1)], words, " ")
            for (i = 1; i <= count; i++) {
                word["KEY"] = substr(words[i], 1, index(words[i], "=") - 1)
                word["VALUE"] = substr(words[i], index(words[i], "=") + 1)
                print indent filled(text)
            }
            split("", word)
            next
        }
        /^ *#/ { print; next }
        { print filled($0) }' "$1/$file" >"$2/$file"
    done
    if [ -f "$2/alerting.yml" ]; then
        cat "$2/alerting.yml" >>"$2/prometheus.yml"
        rm -f "$2/alerting.yml"
    fi
)

if [ "${0##*/}" = render.sh ]; then
    set -eu
    for name in $(variables "$1" | awk '!seen[$0]++'); do
        check "$name"
    done
    [ -f "$1/prometheus.yml" ] || problem "There is no prometheus.yml. Add it."
    stop_if_problems "render: the configuration is refused"
    render "$1" "$2"
fi
