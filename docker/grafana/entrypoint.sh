#!/bin/sh
# Put together what Grafana provisions itself from, then become Grafana.
#
# What is below GRAFANA_CONFIG_DIR goes to GF_PATHS_PROVISIONING: the data sources, without
# Alertmanager's where ALERTMANAGER_URL is empty, and with one more for each further replica of
# Prometheus (PROMETHEUS_1_URL, PROMETHEUS_2_URL, ...), and the dashboards, with RUNBOOK_BASE_URL in
# their links. Nothing is written anywhere else. Arguments are passed on to Grafana.
#
# When something is wrong, all of it is reported at once and the exit status is 1.
set -eu

problems=

problem() {
    problems="$problems
  - $1"
}

# check NAME: note what is wrong with the variable. The end of a name says what it holds.
check() {
    value=
    eval "value=\${$1-}"
    case $1:$value in
    *:)
        problem "$1 is missing or empty. Set this environment variable."
        ;;
    *_URL:*[!A-Za-z0-9._~:/?\&=%@+,-]* | *_URL:*/)
        problem "$1 is '$value'. Set it to a URL or a path of letters, digits and . _ ~ : / ? & = % @ + , - without a slash at its end."
        ;;
    esac
}

for name in PROMETHEUS_URL RUNBOOK_BASE_URL SCRAPE_INTERVAL GRAFANA_CONFIG_DIR GRAFANA_RUN \
    GF_PATHS_PROVISIONING ${ALERTMANAGER_URL:+ALERTMANAGER_URL}; do
    check "$name"
done
replicas=0
while eval "[ -n \"\${PROMETHEUS_$((replicas + 1))_URL-}\" ]"; do
    replicas=$((replicas + 1))
    check "PROMETHEUS_${replicas}_URL"
done
# Without one, Grafana's is "admin".
check GF_SECURITY_ADMIN_PASSWORD
if [ -n "${GF_PATHS_PROVISIONING-}" ] &&
    ! mkdir -p "$GF_PATHS_PROVISIONING/datasources" "$GF_PATHS_PROVISIONING/dashboards" \
        "$GF_PATHS_PROVISIONING/plugins" "$GF_PATHS_PROVISIONING/alerting" 2>/dev/null; then
    problem "GF_PATHS_PROVISIONING is '$GF_PATHS_PROVISIONING', where user $(id -u) cannot write. Mount a volume there, or above it, that belongs to this user."
fi
if [ -n "$problems" ]; then
    printf 'entrypoint: Grafana is not started:%s\n' "$problems" >&2
    exit 1
fi

source_tree=$GRAFANA_CONFIG_DIR
cp "$source_tree"/provisioning/datasources/*.yml "$GF_PATHS_PROVISIONING/datasources/"
# They are asked one by one, as they do not know the same: a gap in one is none in another. The alerts
# in Grafana's lists are those of the first: all raise the same.
replica=0
while [ "$replica" -lt "$replicas" ]; do
    replica=$((replica + 1))
    awk -v replica="$replica" '
        /^  - name: / { $0 = $0 " " replica }
        /^    uid: / { $0 = $0 "-" replica }
        { sub(/PROMETHEUS_URL/, "PROMETHEUS_" replica "_URL")
          if (/(isDefault|manageAlerts): /) sub(/true/, "false")
          print }' "$source_tree/provisioning/datasources/prometheus.yml" \
        >"$GF_PATHS_PROVISIONING/datasources/prometheus-$replica.yml"
done
cp "$source_tree"/provisioning/dashboards/*.yml "$GF_PATHS_PROVISIONING/dashboards/"
if [ -z "${ALERTMANAGER_URL-}" ]; then
    rm "$GF_PATHS_PROVISIONING/datasources/alertmanager.yml"
fi
for file in "$source_tree"/dashboards/*.json; do
    awk 'BEGIN { mark = "${RUNBOOK_BASE_URL}" } {
        line = ""
        while (start = index($0, mark)) {
            line = line substr($0, 1, start - 1) ENVIRON["RUNBOOK_BASE_URL"]
            $0 = substr($0, start + length(mark))
        }
        print line $0
    }' "$file" >"$GF_PATHS_PROVISIONING/dashboards/${file##*/}"
done

echo "entrypoint: data from $PROMETHEUS_URL, alerts from ${ALERTMANAGER_URL:-nowhere}" >&2
exec "$GRAFANA_RUN" "$@"
