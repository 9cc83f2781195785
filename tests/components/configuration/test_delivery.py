"""Configuration that is delivered while servers run: what that takes, and what it changes."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from components import assets
from components.configuration.archive import pack
from components.configuration.delivery import LIVE_DOCKERFILE, read_tree
from components.containers.content import shipped_files
from components.containers.image import content_tag
from mocks.recording import Deployment, deploy
from tests.components.examples import ALERTS, BUCKET, OWN, SERVICE, Example

if TYPE_CHECKING:
    from pathlib import Path

LIVE: dict[str, Any] = {"configuration_bucket": "versions-1"}
WITH_ALERTMANAGER: dict[str, Any] = {
    "alertmanager_dns_name": "am.internal",
    "alertmanager_security_group_id": "sg-alertmanager",
}
CHILDREN = {
    ("aws:s3/bucketObjectv2:BucketObjectv2", "it-configuration-archive"),
    ("aws:s3/bucketObjectv2:BucketObjectv2", "it-configuration-pointer"),
    ("aws:ecr/repository:Repository", "it-configuration-images"),
    ("aws:ecr/lifecyclePolicy:LifecyclePolicy", "it-configuration-images-lifecycle"),
    ("aws:iam/role:Role", "it-task-role"),
    ("aws:iam/rolePolicy:RolePolicy", "it-task-role-policy"),
}


def service(example: Example = SERVICE, **args: Any) -> Deployment:  # noqa: ANN401
    return deploy(lambda: example.component("it", {**example.fewest, **args}))


def containers(deployment: Deployment) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(deployment.inputs("it-task")["containerDefinitions"])
    return found


def variables(container: dict[str, Any]) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in container["environment"]}


def unpacked(deployment: Deployment) -> dict[str, bytes]:
    content = base64.b64decode(deployment.inputs("it-configuration-archive")["contentBase64"])
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return {it.name: tar.extractfile(it).read() for it in tar}  # type: ignore[union-attr]


# --- a version ---


def test_the_same_files_are_the_same_version() -> None:
    files = {"a.yml": b"a", "b/c.yml": b"c"}
    one = pack(files)
    assert pack(dict(reversed(files.items()))) == one
    assert one.version == hashlib.sha256(one.content).hexdigest()
    assert pack({**files, "a.yml": b"b"}).version != one.version
    assert pack({"a.yml": b"a", "c.yml": b"c"}).version != one.version


def test_a_version_says_nothing_of_the_machine_that_packed_it() -> None:
    with tarfile.open(fileobj=io.BytesIO(pack({"a.yml": b"a"}).content)) as tar:
        (member,) = tar
    assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (0, 0, 0, "", "")


# --- what is registered ---


@pytest.mark.parametrize("example", [SERVICE, ALERTS], ids=lambda it: it.shape.__name__)
def test_a_bucket_adds_this_and_takes_nothing_away(example: Example) -> None:
    before, after = service(example), service(example, **LIVE)
    without_image = {it for it in before.children("it") if not it[1].startswith("it-image-")}
    assert without_image <= after.children("it")
    added = {it for it in after.children("it") - before.children("it") if "-image-" not in it[1]}
    assert added == CHILDREN


def test_the_pointer_is_written_after_the_archive_that_it_names() -> None:
    deployment = service(**LIVE)
    archive = deployment.inputs("it-configuration-archive")
    pointer = deployment.inputs("it-configuration-pointer")
    tree = read_tree(assets.image_context("prometheus"), "**/*.yml")
    version = pack(tree).version
    assert unpacked(deployment) == tree
    assert archive["key"] == f"prometheus/{version}.tar.gz"
    assert pointer["key"] == "prometheus/current"
    assert pointer["content"] == f"{version}\n"
    assert {archive["bucket"], pointer["bucket"]} == {"versions-1"}
    # Objects may have 10 tags only, and everything may have more.
    for inputs in (archive, pointer):
        assert inputs["overrideProvider"] == {"defaultTags": {"tags": {}}}


def test_alertmanagers_version_has_the_users_routes_and_its_task_has_not() -> None:
    routes = ALERTS.all["routes_file"]
    args = {k: v for k, v in ALERTS.all.items() if k.startswith(("page", "notify", "topic"))}
    args |= {k: v for k, v in ALERTS.all.items() if k.endswith("_secret_arn")}
    with_own = service(ALERTS, **{**args, **LIVE, "routes_file": routes})
    without = service(ALERTS, **{**args, **LIVE})
    assert unpacked(with_own) != unpacked(without)
    assert containers(with_own) == containers(without)
    config = json.loads(unpacked(with_own)["alertmanager.yml"])
    first = json.loads(variables(containers(with_own)[0])["ALERTMANAGER_CONFIG"])
    assert len(config["route"]["routes"]) > len(first["route"]["routes"])
    assert config["receivers"] == first["receivers"]
    templates = {name for name in unpacked(with_own) if name.startswith("templates/")}
    assert templates == {"templates/common.tmpl", "templates/slack.tmpl", "templates/text.tmpl"}


# --- the task ---


def test_the_container_beside_the_server() -> None:
    deployment = service(**LIVE, **WITH_ALERTMANAGER)
    server, beside = containers(deployment)
    assert beside["name"] == "configuration"
    # Its end is not that of the task, and no more memory is its own.
    assert (server["essential"], beside["essential"]) == (True, False)
    assert (server["memory"], beside["memory"]) == (512 - 192, 192)
    assert beside["user"] == "65534:65534"
    assert beside["readonlyRootFilesystem"] is True
    assert beside["secrets"] == []
    (mount,) = beside["mountPoints"]
    assert mount["sourceVolume"] == "rendered"
    assert mount["containerPath"] == "/run/configuration"
    own = {
        "CONFIGURATION_SERVER": "prometheus",
        "CONFIGURATION_BUCKET": "versions-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "CONFIGURATION_REFRESH_SECONDS": "15",
    }
    # What is filled into files is the same for both, whoever says it.
    of_image = assets.image_defaults("prometheus")
    assert variables(beside) == {
        **{name: value for name, value in of_image.items() if not name.endswith("_DIR")},
        **variables(server),
        **own,
    }
    tree = read_tree(assets.image_context("prometheus"), "**/*.yml").values()
    lines = [it for text in tree for it in text.decode().splitlines() if not it.startswith("#")]
    needed = set(re.findall(r"[$][{]([A-Z_]+)[}]", "\n".join(lines)))
    elsewhere = {
        *("PROMETHEUS_NAME", "PROMETHEUS_DOMAIN", "PROMETHEUS_CONFIGURATION_PORT"),
        *("CADVISOR_PORT", "KEY", "VALUE"),
    }
    assert needed - variables(beside).keys() <= elsewhere
    assert variables(server)["CONFIGURATION_PORT"] == "9533"
    assert variables(server)["ALERTMANAGER_CONFIGURATION_PORT"] == "9533"


def test_the_live_images_dockerfile_is_the_other_one() -> None:
    """Not a link: the build gets no file that its `.dockerignore` leaves out."""
    folder = assets.image_context("prometheus")
    live = folder / LIVE_DOCKERFILE
    assert not live.is_symlink()
    assert live.read_bytes() == (folder / "Dockerfile").read_bytes()


def test_another_file_of_the_users_is_no_other_image() -> None:
    own: dict[str, Any] = {"overlay": str(OWN / "prometheus")}
    built = [
        it.inputs["build"]
        for given in (dict[str, Any](), own)
        for it in service(**LIVE, **given).of_type("docker:index/image:Image")
        if "configuration" not in it.name
    ]
    assert len(built) == 2
    assert built[0] == built[1]


def test_session_manager_gets_into_the_server_only() -> None:
    """Two agents would share what is each one's own."""
    server, beside = containers(service(**LIVE, enable_execute_command=True))
    mounted = [{mount["sourceVolume"] for mount in it["mountPoints"]} for it in (server, beside)]
    assert {"managed-agents", "ssm-data", "ssm-log", "rendered"} <= mounted[0]
    assert mounted[1] == {"rendered"}


def test_the_role_may_read_its_servers_part_and_nothing_else() -> None:
    for example, server in ((SERVICE, "prometheus"), (ALERTS, "alertmanager")):
        policy = json.loads(service(example, **LIVE).inputs("it-task-role-policy")["policy"])
        arn = f"arn:aws:s3:::versions-1/{server}/*"
        assert policy["Statement"] == [
            {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": arn}
        ]


def test_prometheus_gets_to_what_is_beside_the_alertmanagers() -> None:
    deployment = service(**LIVE, **WITH_ALERTMANAGER)
    name = "it-security-group-alertmanager-configuration"
    egress, ingress = (deployment.inputs(f"{name}-{way}") for way in ("egress", "ingress"))
    assert egress["fromPort"] == egress["toPort"] == ingress["fromPort"] == 9533
    assert egress["referencedSecurityGroupId"] == "sg-alertmanager"
    assert ingress["securityGroupId"] == "sg-alertmanager"
    assert not [it for it in service(**WITH_ALERTMANAGER).resources if it.name.startswith(name)]


# --- the images ---


def test_prometheus_image_does_not_follow_what_is_delivered(tmp_path: Path) -> None:
    context = assets.image_context("prometheus")
    kept = set(shipped_files(context, LIVE_DOCKERFILE))
    left_out = set(shipped_files(context)) - kept
    assert kept < set(shipped_files(context))
    assert "rules.d/node_alerts.yml" in left_out
    assert {name.split("/")[0] for name in left_out} == {"rules.d", "scrape.d"}
    assert {"rules.d/configuration.yml", "scrape.d/configuration.yml", "entrypoint.sh"} <= kept
    assert (context / LIVE_DOCKERFILE).read_text() == (context / "Dockerfile").read_text()
    version = assets.VERSIONS["prometheus"]
    digest = assets.image_digest("prometheus", version)
    tag = content_tag(context, "ARM64", version, digest, LIVE_DOCKERFILE)
    deployment = service(**LIVE)
    build = deployment.inputs(f"it-image-{tag}")["build"]
    assert build["dockerfile"].endswith(f"docker/prometheus/{LIVE_DOCKERFILE}")
    assert build["context"].endswith("docker/prometheus")
    # A folder of the user's own may have none of that.
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    own = service(**LIVE, image_context=str(tmp_path))
    (image,) = (r for r in own.resources if r.name.startswith("it-image-3"))
    assert image.inputs["build"]["dockerfile"].endswith("/Dockerfile")


def test_its_images_do_not_keep_anybody_from_switching_it_off() -> None:
    deployment = service(**LIVE)
    (own,) = (r for r in deployment.resources if r.name == "it-images")
    (beside,) = (r for r in deployment.resources if r.name == "it-configuration-images")
    assert (own.options.protect, beside.options.protect) == (True, False)
    assert (own.inputs["forceDelete"], beside.inputs["forceDelete"]) == (False, True)


def test_the_image_beside_it_is_built_of_what_versions_json_says() -> None:
    deployment = service(**LIVE)
    (image,) = (r for r in deployment.resources if r.name.startswith("it-configuration-image-3"))
    args = image.inputs["build"]["args"]
    for tool in ("python", "prometheus", "alertmanager"):
        assert args[f"{tool.upper()}_VERSION"] == assets.VERSIONS[tool]
    digest = assets.image_digest("prometheus", assets.VERSIONS["prometheus"])
    assert args["PROMETHEUS_DIGEST"] == digest
    text = (assets.image_context("configuration") / "Dockerfile").read_text(encoding="utf-8")
    for name in args:
        assert f"ARG {name}\n" in text
    assert "requirements.lock" in shipped_files(assets.image_context("configuration"))
    assert not [
        it for it in shipped_files(assets.image_context("configuration")) if "__pycache__" in it
    ]


# --- the bucket ---


def test_the_bucket_is_private_encrypted_and_keeps_versions() -> None:
    deployment = deploy(lambda: BUCKET.component("it", {}))
    assert {name for _, name in deployment.children("it")} == {
        "it-bucket",
        *(f"it-bucket-{part}" for part in ("private", "encryption", "versions", "expiry")),
        "it-bucket-policy",
    }
    private = deployment.inputs("it-bucket-private")
    assert [value for key, value in private.items() if key != "bucket"] == [True] * 4
    (rule,) = deployment.inputs("it-bucket-encryption")["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "AES256"}
    versioning = deployment.inputs("it-bucket-versions")["versioningConfiguration"]
    assert versioning == {"status": "Enabled"}
    # The current version of an object never expires: an archive may be live for years.
    rules = deployment.inputs("it-bucket-expiry")["rules"]
    assert [rule["filter"]["prefix"] for rule in rules] == ["alertmanager/", "prometheus/"]
    for rule in rules:
        assert "expiration" not in rule
        assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": 90}
    (statement,) = json.loads(deployment.inputs("it-bucket-policy")["policy"])["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
