"""The entrypoint renders, refuses and starts, with each shell and awk that is here."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.configuration.rendering import ENTRYPOINT, REQUIRED, Entrypoint, Toolbox, toolboxes

if TYPE_CHECKING:
    from pathlib import Path

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIAENTRYPOINTTEST00",
    "AWS_SECRET_ACCESS_KEY": "entrypoint-test-secret-access-key",
}


@pytest.fixture(params=toolboxes(), ids=lambda toolbox: toolbox.name)
def toolbox(request: pytest.FixtureRequest) -> Toolbox:
    found: Toolbox = request.param
    return found


@pytest.fixture
def entrypoint(tmp_path: Path, toolbox: Toolbox) -> Entrypoint:
    """Return the entrypoint on a small source tree of its own."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "prometheus.yml").write_text("global: {}\n", encoding="utf-8")
    return Entrypoint(tmp_path, toolbox, source)


def assert_refused(entrypoint: Entrypoint, done: subprocess.CompletedProcess[str]) -> None:
    """Assert that prometheus was not started and nothing was rendered."""
    assert done.returncode == 1, done
    assert done.stdout == ""
    assert done.stderr.startswith("entrypoint: Prometheus is not started:\n  - ")
    assert not list(entrypoint.rendered.rglob("*.yml"))


@pytest.mark.parametrize("script", ["entrypoint.sh", "render.sh"])
def test_shellcheck_finds_nothing(script: str) -> None:
    scripts = sysconfig.get_path("scripts")
    shellcheck = shutil.which("shellcheck", path=scripts) or "shellcheck"
    done = subprocess.run(
        [shellcheck, "--enable=quote-safe-variables", str(ENTRYPOINT.with_name(script))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_it_becomes_prometheus(entrypoint: Entrypoint) -> None:
    done = entrypoint.run("--log.level=debug", "--web.page-title=two words")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"--config.file={entrypoint.rendered}/prometheus.yml",
        "--rules.alert.for-grace-period=2m",
        f"--storage.tsdb.path={entrypoint.data}",
        "--web.listen-address=127.0.0.1:9090",
        "--log.level=debug",
        "--web.page-title=two words",
    ]
    assert done.stderr == (
        f"entrypoint: configuration for dev, eu-west-1, {REQUIRED['VPC_ID']}"
        f" in {entrypoint.rendered}; AWS credentials from the AWS SDK's default chain\n"
    )


def test_it_follows_the_link_where_configuration_is_delivered(entrypoint: Entrypoint) -> None:
    entrypoint.attempted()
    done = entrypoint.run(CONFIGURATION_PORT="9533")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"--config.file={entrypoint.rendered}/current/prometheus.yml",
        "--rules.alert.for-grace-period=2m",
        f"--storage.tsdb.path={entrypoint.data}",
        "--web.listen-address=127.0.0.1:9090",
        "--config.auto-reload",
        "--config.auto-reload-interval=10s",
    ]
    current = entrypoint.rendered / "current"
    assert str(current.readlink()) == "first"
    assert (current / "prometheus.yml").read_text(encoding="utf-8") == "global: {}\n"
    script = ENTRYPOINT.with_name("render.sh").read_text(encoding="utf-8")
    assert (entrypoint.rendered / "render.sh").read_text(encoding="utf-8") == script


def test_a_restart_in_place_keeps_what_is_live(entrypoint: Entrypoint) -> None:
    entrypoint.attempted()
    (entrypoint.rendered / "later").mkdir()
    (entrypoint.rendered / "later" / "prometheus.yml").touch()
    (entrypoint.rendered / "current").symlink_to("later")
    assert entrypoint.run(CONFIGURATION_PORT="9533").returncode == 0
    assert str((entrypoint.rendered / "current").readlink()) == "later"
    assert (entrypoint.rendered / "later" / "prometheus.yml").exists()
    assert (entrypoint.rendered / "first" / "prometheus.yml").exists()


def test_it_waits_for_the_first_attempt(entrypoint: Entrypoint) -> None:
    with ThreadPoolExecutor() as pool:
        running = pool.submit(entrypoint.run, CONFIGURATION_PORT="9533")
        deadline = time.monotonic() + 30
        while not (entrypoint.rendered / "render.sh").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(1.5)
        assert not running.done()
        entrypoint.attempted()
        assert running.result(30).returncode == 0


def test_links_lead_where_people_reach_it(entrypoint: Entrypoint) -> None:
    url = "https://prometheus.example.com"
    refused = entrypoint.run(PROMETHEUS_EXTERNAL_URL=f"{url}/")
    assert_refused(entrypoint, refused)
    assert f"PROMETHEUS_EXTERNAL_URL is '{url}/'. Set it to a URL" in refused.stderr
    done = entrypoint.run("--log.level=debug", PROMETHEUS_EXTERNAL_URL=url)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == [f"--web.external-url={url}", "--log.level=debug"]


def test_every_yml_is_rendered_at_its_place_and_nothing_else_is_touched(
    entrypoint: Entrypoint,
) -> None:
    nested = entrypoint.source / "scrape.d" / "deep er"
    nested.mkdir(parents=True)
    (nested / "a.yml").write_text(
        "# ${NOT_A_PLACEHOLDER}: a comment\n"
        'a: "${ENVIRONMENT}/${AWS_REGION}${VPC_ID}" # ${ENVIRONMENT}\n'
        "b: $labels $value {{ $labels.instance }} ${1} ${lower} $ENVIRONMENT ${ } $${ENVIRONMENT}\n"
        "c: \\ & ${ENVIRONMENT}",
        encoding="utf-8",
    )
    (nested / "notes.txt").write_text("${NOT_A_PLACEHOLDER}", encoding="utf-8")
    before = {path: path.stat().st_mtime_ns for path in entrypoint.source.rglob("*")}
    done = entrypoint.run(ENVIRONMENT="größe & Co #1: {a}")
    assert done.returncode == 0, done.stderr
    value = "größe & Co #1: {a}"
    rendered = {
        str(path.relative_to(entrypoint.rendered)): path.read_text(encoding="utf-8")
        for path in entrypoint.rendered.rglob("*")
        if path.is_file()
    }
    assert rendered == {
        "prometheus.yml": "global: {}\n",
        "scrape.d/deep er/a.yml": (
            "# ${NOT_A_PLACEHOLDER}: a comment\n"
            f'a: "{value}/eu-west-1{REQUIRED["VPC_ID"]}" # {value}\n'
            "b: $labels $value {{ $labels.instance }} ${1} ${lower} $ENVIRONMENT ${ } "
            f"${value}\n"
            f"c: \\ & {value}\n"
        ),
    }
    assert {path: path.stat().st_mtime_ns for path in entrypoint.source.rglob("*")} == before
    assert {path.name for path in entrypoint.directory.iterdir()} == {"bin", "source", "rendered"}


@pytest.mark.parametrize("name", [None, ""])
def test_a_file_of_a_capability_that_is_off_is_left_out(
    entrypoint: Entrypoint, name: str | None
) -> None:
    file = entrypoint.source / "scrape.d" / "pager.yml"
    file.parent.mkdir()
    file.write_text("# needs: PAGER_NAME\na: ${PAGER_NAME} ${PAGER_PORT}\n", encoding="utf-8")
    done = entrypoint.run(PAGER_NAME=name)
    assert done.returncode == 0, done.stderr
    assert not (entrypoint.rendered / "scrape.d").exists()
    on = entrypoint.run(PAGER_NAME="pager", PAGER_PORT="1")
    assert on.returncode == 0, on.stderr
    rendered = (entrypoint.rendered / "scrape.d" / "pager.yml").read_text(encoding="utf-8")
    assert rendered == "# needs: PAGER_NAME\na: pager 1\n"
    half = entrypoint.run(PAGER_NAME="pager")
    assert "  - Missing or empty: PAGER_PORT. Set these" in half.stderr


def test_a_list_becomes_a_line_for_every_word(entrypoint: Entrypoint) -> None:
    (entrypoint.source / "prometheus.yml").write_text(
        "a:\n"
        '  # each SHOP_MAP: - {${KEY}: "${VALUE} of ${ENVIRONMENT}"} # ${KEY}\n'
        "  # each OTHER_MAP: - ${KEY}\n"
        "  # each of them: ${NOT_A_PLACEHOLDER}\n"
        "b: ${ENVIRONMENT}\n",
        encoding="utf-8",
    )
    arn = "arn:aws:ecs:eu-west-1:123456789012:cluster/b_c.d"
    done = entrypoint.run(SHOP_MAP=f"a-1=1 b_c.d={arn}")
    assert done.returncode == 0, done.stderr
    assert (entrypoint.rendered / "prometheus.yml").read_text(encoding="utf-8") == (
        "a:\n"
        '  - {a-1: "1 of dev"} # a-1\n'
        f'  - {{b_c.d: "{arn} of dev"}} # b_c.d\n'
        "  # each of them: ${NOT_A_PLACEHOLDER}\n"
        "b: dev\n"
    )
    (entrypoint.rendered / "prometheus.yml").unlink()
    for value in ("a", "a=", "=1", "a=1  b=2", "a=1,b=2", " a=1", "a=b=c", "a=*"):
        refused = entrypoint.run(SHOP_MAP=value)
        assert_refused(entrypoint, refused)
        assert f"  - SHOP_MAP is '{value}'. Set it to words KEY=VALUE" in refused.stderr


def test_a_word_outside_of_a_list_is_missing(entrypoint: Entrypoint) -> None:
    (entrypoint.source / "prometheus.yml").write_text("a: ${KEY}\n", encoding="utf-8")
    assert "Missing or empty: KEY." in entrypoint.run(SHOP_MAP="a=1").stderr


def test_alerting_goes_to_the_end_of_the_configuration(entrypoint: Entrypoint) -> None:
    (entrypoint.source / "alerting.yml").write_text("b: ${ENVIRONMENT}\n", encoding="utf-8")
    assert entrypoint.run().returncode == 0
    rendered = entrypoint.rendered / "prometheus.yml"
    assert rendered.read_text(encoding="utf-8") == "global: {}\nb: dev\n"
    assert [path for path in entrypoint.rendered.rglob("*") if path.is_file()] == [rendered]


def test_all_that_is_missing_is_named_at_once(entrypoint: Entrypoint) -> None:
    (entrypoint.source / "later.yml").write_text("a: ${ALERTMANAGER} ${VPC_ID}", encoding="utf-8")
    done = entrypoint.run(AWS_REGION=None, VPC_ID="", ENVIRONMENT=None, PROMETHEUS_PORT="x")
    assert_refused(entrypoint, done)
    missing, wrong = done.stderr.splitlines()[1:]
    assert missing.startswith(
        "  - Missing or empty: AWS_REGION, VPC_ID, ENVIRONMENT, ALERTMANAGER. Set these"
    )
    assert wrong == "  - PROMETHEUS_PORT is 'x'. Set it to a port, 1 to 65535."


@pytest.mark.parametrize(
    "name",
    [
        *REQUIRED,
        "PROMETHEUS_PORT",
        "PROMETHEUS_LISTEN_HOST",
        "PROMETHEUS_CONFIG_DIR",
        "PROMETHEUS_RENDERED_DIR",
        "PROMETHEUS_DATA_DIR",
    ],
)
def test_each_variable_is_required(entrypoint: Entrypoint, name: str) -> None:
    done = entrypoint.run(**{name: None})
    assert_refused(entrypoint, done)
    assert f"  - Missing or empty: {name}. Set these" in done.stderr


@pytest.mark.parametrize("character", ['"', "'", "`", "\\", "$", "\n", "\r", "\t", "\x7f"])
@pytest.mark.parametrize("value", ["a{}b", "{}", "a{}"])
def test_a_value_that_could_break_out_is_refused(
    entrypoint: Entrypoint, character: str, value: str
) -> None:
    done = entrypoint.run(ENVIRONMENT=value.format(character))
    assert_refused(entrypoint, done)
    assert "  - ENVIRONMENT contains a quote, backslash, dollar sign, line break" in done.stderr


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("NODE_EXPORTER_PORT", ["0", "65536", "99999999999999999999", "-1", "09", "9100 ", "x"]),
        ("SCRAPE_INTERVAL", ["0s", "15", "s", "-5s", "1s1m", "1.5s", "15 s", "1m1m"]),
        ("RETENTION_TIME", ["0d0h", "d", "15days"]),
        ("RETENTION_SIZE", ["0B", "16", "GB", "16gb", "16G", "1.5GB"]),
        ("BODY_SIZE_LIMIT", ["0", "10", "0MB"]),
        ("PROMETHEUS_REPLICA", ["-1", "01", "first"]),
        ("SAMPLE_LIMIT", ["0", "-1", "1e4", "10 000", "10MB", "010"]),
        ("RUNBOOK_BASE_URL", ["https://a.example/", "/", "a b", "{{ x }}", "a#b", "<a>", "ä"]),
    ],
)
def test_a_value_of_the_wrong_form_is_refused(
    entrypoint: Entrypoint, name: str, values: list[str]
) -> None:
    (entrypoint.source / "prometheus.yml").write_text(f"a: ${{{name}}}", encoding="utf-8")
    for value in values:
        done = entrypoint.run(**{name: value})
        assert_refused(entrypoint, done)
        assert f"  - {name} is '{value}'. Set it to a" in done.stderr


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("NODE_EXPORTER_PORT", ["1", "80", "9100", "65535"]),
        ("SCRAPE_INTERVAL", ["1s", "500ms", "1m30s", "1d12h", "1y2w3d4h5m6s7ms", "10m"]),
        ("RETENTION_SIZE", ["512MB", "1B", "100EB"]),
        ("BODY_SIZE_LIMIT", ["10MB", "1GB"]),
        ("PROMETHEUS_REPLICA", ["0", "1", "10"]),
        ("SAMPLE_LIMIT", ["1", "10000", "1000000"]),
        (
            "RUNBOOK_BASE_URL",
            [
                "docs/runbooks",
                "https://github.com/example/it/blob/main/docs/runbooks",
                "http://127.0.0.1:8080/~me/books?ref=v1.0&x=%20",
                "file:///srv/runbooks",
            ],
        ),
    ],
)
def test_a_value_of_the_right_form_is_taken(
    entrypoint: Entrypoint, name: str, values: list[str]
) -> None:
    (entrypoint.source / "prometheus.yml").write_text(f"a: ${{{name}}}", encoding="utf-8")
    for value in values:
        done = entrypoint.run(**{name: value})
        assert done.returncode == 0, done.stderr
        rendered = (entrypoint.rendered / "prometheus.yml").read_text(encoding="utf-8")
        assert rendered == f"a: {value}\n"


@pytest.mark.parametrize(
    ("given", "absent"),
    [
        ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
        ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
    ],
)
@pytest.mark.parametrize("nothing", [None, ""])
def test_half_a_pair_of_credentials_is_refused(
    entrypoint: Entrypoint, given: str, absent: str, nothing: str | None
) -> None:
    done = entrypoint.run(**{given: CREDENTIALS[given], absent: nothing})
    assert_refused(entrypoint, done)
    assert f"  - {given} is set without {absent}. Set both, or neither" in done.stderr
    assert CREDENTIALS[given] not in done.stderr


def test_credentials_are_neither_printed_nor_written(entrypoint: Entrypoint) -> None:
    done = entrypoint.run(**CREDENTIALS)
    assert done.returncode == 0
    assert done.stderr.endswith("; AWS credentials from the environment\n")
    for secret in CREDENTIALS.values():
        assert secret not in done.stdout + done.stderr
        for path in entrypoint.rendered.rglob("*.yml"):
            assert secret not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [*CREDENTIALS, "AWS_SESSION_TOKEN"])
def test_a_file_that_asks_for_a_credential_is_refused(entrypoint: Entrypoint, name: str) -> None:
    (entrypoint.source / "bad.yml").write_text(f'secret: "${{{name}}}"', encoding="utf-8")
    done = entrypoint.run(**{**CREDENTIALS, "AWS_SESSION_TOKEN": "token"})
    assert_refused(entrypoint, done)
    assert f"  - A configuration file asks for ${{{name}}}, but" in done.stderr


def test_what_an_earlier_start_rendered_is_removed(entrypoint: Entrypoint) -> None:
    stale = entrypoint.source / "rules.d" / "old.yml"
    stale.parent.mkdir()
    stale.write_text("groups: []", encoding="utf-8")
    assert entrypoint.run().returncode == 0
    assert (entrypoint.rendered / "rules.d" / "old.yml").exists()
    stale.unlink()
    assert entrypoint.run().returncode == 0
    assert [path for path in entrypoint.rendered.rglob("*") if path.is_file()] == [
        entrypoint.rendered / "prometheus.yml"
    ]


@pytest.mark.parametrize("place", ["source", "source/rendered", "."])
def test_the_sources_are_never_deleted(entrypoint: Entrypoint, place: str) -> None:
    done = entrypoint.run(PROMETHEUS_RENDERED_DIR=str(entrypoint.directory / place))
    assert done.returncode == 1
    assert "which holds PROMETHEUS_CONFIG_DIR or lies in it" in done.stderr
    assert (entrypoint.source / "prometheus.yml").exists()


def test_the_source_tree_may_be_a_link(entrypoint: Entrypoint) -> None:
    link = entrypoint.directory / "link"
    link.symlink_to(entrypoint.source)
    (entrypoint.source / "prometheus.yml").write_text("a: ${ENVIRONMENT}", encoding="utf-8")
    done = entrypoint.run(PROMETHEUS_CONFIG_DIR=str(link))
    assert done.returncode == 0, done.stderr
    assert (entrypoint.rendered / "prometheus.yml").read_text(encoding="utf-8") == "a: dev\n"


def test_a_source_tree_without_configuration_is_refused(entrypoint: Entrypoint) -> None:
    (entrypoint.source / "prometheus.yml").unlink()
    done = entrypoint.run()
    assert_refused(entrypoint, done)
    assert (
        f"  - PROMETHEUS_CONFIG_DIR is '{entrypoint.source}', where there is no prometheus.yml."
        in done.stderr
    )


def test_a_place_that_cannot_be_written_is_refused(entrypoint: Entrypoint) -> None:
    entrypoint.rendered.write_text("a file", encoding="utf-8")
    done = entrypoint.run()
    assert_refused(entrypoint, done)
    assert f"  - PROMETHEUS_RENDERED_DIR is '{entrypoint.rendered}', where user" in done.stderr
