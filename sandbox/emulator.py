"""The emulated AWS: moto's server on a loopback port, with an administrator of its own."""

import json
import logging
import os
import socket
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.config import Config

from sandbox.addresses import LOOPBACK
from sandbox.errors import SandboxError
from sandbox.moto_buckets import take_calls_for_encrypted
from sandbox.moto_instances import (
    decode_user_data,
    keep_groups_on_the_interface,
    spread_over_subnets,
)
from sandbox.moto_services import leave_services_to_the_agent
from sandbox.moto_topics import check_rights_on_the_topic

if TYPE_CHECKING:
    from moto.server import ThreadedMotoServer

SESSION: Any = botocore.session.get_session()
"""One for all: each reads AWS's models anew, which takes up to a quarter of a second a service."""
_MAKING_A_CLIENT = threading.Lock()
"""A session is not for several threads at once; its clients are."""

ADMIN = "sandbox-administrator"
"""The IAM user that the sandbox acts as, and a person through `python -m sandbox aws`."""


class EmulatorError(SandboxError):
    """The emulator cannot be started; the message says why and what to do."""


class Emulator:
    """An AWS account in one region, until `stop`."""

    def __init__(self, region: str) -> None:
        """Prepare the emulator; `start` starts it.

        Args:
            region: the region that all clients speak to.
        """
        self.region = region
        self.endpoint = ""
        self.account_id = ""
        self.access_key_id = "before-enforcement"
        self.secret_access_key = "before-enforcement"  # noqa: S105 - not a secret: any is accepted
        self._clients: dict[str, Any] = {}
        self._server: ThreadedMotoServer | None = None

    def start(self, port: int = 0) -> None:
        """Start the server and make the administrator.

        Args:
            port: on 127.0.0.1. Default: a free one.

        Raises:
            EmulatorError: the port is taken.
        """
        if port:
            self._check_free(port)
        # Here, as it takes a second, and most commands are only clients.
        from moto.server import ThreadedMotoServer  # noqa: PLC0415

        # Without it, AWS's managed policies (AmazonSSMManagedInstanceCore ...) do not exist.
        os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
        _empty()
        keep_groups_on_the_interface()
        decode_user_data()
        spread_over_subnets()
        _issue_certificates_at_once()
        check_rights_on_the_topic()
        take_calls_for_encrypted()
        leave_services_to_the_agent()
        logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line for each request
        self._server = ThreadedMotoServer(ip_address=LOOPBACK, port=port, verbose=False)
        self._server.start()
        self._close_control_interface()
        self.endpoint = f"http://{LOOPBACK}:{self._server.get_host_and_port()[1]}"
        iam = self.client("iam")
        iam.create_user(UserName=ADMIN)
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        iam.put_user_policy(
            UserName=ADMIN,
            PolicyName="everything",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [everything]}),
        )
        key = iam.create_access_key(UserName=ADMIN)["AccessKey"]
        self.access_key_id, self.secret_access_key = key["AccessKeyId"], key["SecretAccessKey"]
        self._clients.clear()
        self.account_id = self.client("sts").get_caller_identity()["Account"]

    @classmethod
    def connect(
        cls, endpoint: str, region: str, access_key_id: str, secret_access_key: str
    ) -> "Emulator":
        """Return an emulator that runs already, with another region or key.

        `start`, `stop` and `assume_service_role` are not for it, but for the emulator itself.

        Args:
            endpoint: the emulator's URL.
            region: the region that all clients speak to.
            access_key_id: the key to act with.
            secret_access_key: the key's secret.
        """
        emulator = cls(region)
        emulator.endpoint = endpoint
        emulator.access_key_id = access_key_id
        emulator.secret_access_key = secret_access_key
        emulator.account_id = emulator.client("sts").get_caller_identity()["Account"]
        return emulator

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that lead any AWS SDK to it, as its administrator."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
        }

    @property
    def config(self) -> dict[str, Any]:
        """The configuration that leads Pulumi's provider to it, and tells the program of it."""
        return {"aws:endpoints": [{"ec2": self.endpoint}]}

    def client(self, service: str) -> Any:  # noqa: ANN401 - botocore's clients are made at run time
        """Return the administrator's client of an AWS service; it may be shared by threads."""
        if service not in self._clients:
            self._clients[service] = client(service, self.environment)
        return self._clients[service]

    def enforce_iam(self) -> None:
        """From now on, a call is denied unless an IAM policy allows it to the caller's key."""
        _check_calls_after(0)

    def assume_service_role(self, role_arn: str, service: str) -> Any:  # noqa: ANN401 - moto's
        """Return the credentials, as moto has them, of a role for an AWS service that it trusts.

        Not through the API: no user may assume such a role, and moto's check of that ends in an
        error. This process is the emulated AWS, so the service's part is played here.

        Args:
            role_arn: the role.
            service: such as `ecs-tasks.amazonaws.com`.

        Raises:
            EmulatorError: the role's trust policy does not name the service.
        """
        role = self.client("iam").get_role(RoleName=role_arn.rsplit("/", 1)[-1])["Role"]
        trusted = [
            statement["Principal"]["Service"]
            for statement in role["AssumeRolePolicyDocument"]["Statement"]
        ]
        if service not in trusted:
            raise EmulatorError(f"{role_arn} cannot be assumed by {service}: it trusts {trusted}")
        from moto.sts.models import sts_backends  # noqa: PLC0415 - as in `start`

        return sts_backends[self.account_id]["aws"].assume_role(
            region_name=self.region,
            role_session_name=service,
            role_arn=role_arn,
            policy="",
            duration=3600,
            external_id="",
        )

    def stop(self) -> None:
        """Stop the server; nothing of the account remains."""
        if self._server is not None:
            _empty()
            self._server.stop()
            self._server = None

    def _close_control_interface(self) -> None:
        """Refuse moto's own interface to everybody: on a shared machine, any user could call it.

        It reads and resets the account, and switches the checks of IAM off, without a key. This
        process calls moto directly.
        """
        server: Any = self._server._server  # type: ignore[union-attr] # noqa: SLF001 - no other way
        app = server.app

        def without_control(environ: dict[str, Any], start_response: Any) -> Any:  # noqa: ANN401 - WSGI
            if "moto-api" in environ["PATH_INFO"]:
                start_response("403 Forbidden", [("Content-Type", "text/plain")])
                return [b"closed"]
            return app(environ, start_response)

        server.app = without_control

    @staticmethod
    def _check_free(port: int) -> None:
        # moto's own start waits for ever when it cannot listen.
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError as error:
                raise EmulatorError(
                    f"the emulated AWS cannot listen on port {port} of {LOOPBACK}"
                    f" ({error.strerror}): end the program that holds the port, or choose another"
                    " one with --port, or leave --port out for a free one"
                ) from error


def _empty() -> None:
    """Remove what is in moto's accounts, which belong to the process, whoever has used them."""
    from moto.core.base_backend import BackendDict  # noqa: PLC0415 - as in `start`
    from moto.moto_api._internal.models import moto_api_backend  # noqa: PLC0415

    _check_calls_after(float("inf"))
    # Of what is there, moto's own reset makes everything anew, only to throw it away.
    for accounts in BackendDict._instances:  # type: ignore[misc] # noqa: SLF001 - no other way
        accounts.clear()
    moto_api_backend.reset()


def _issue_certificates_at_once() -> None:
    """Let no certificate wait for a minute, as moto's do, which look at no record of DNS."""
    from moto import settings  # noqa: PLC0415 - as in `start`

    settings.ACM_VALIDATION_WAIT = 0


def _check_calls_after(count: float) -> None:
    """Let moto check the rights of all calls but the next ones."""
    from moto import settings  # noqa: PLC0415 - as in `start`
    from moto.core.authorization import ActionAuthenticatorMixin  # noqa: PLC0415

    settings.INITIAL_NO_AUTH_ACTION_COUNT = count
    ActionAuthenticatorMixin.request_count = 0


def client(service: str, variables: Mapping[str, str]) -> Any:  # noqa: ANN401 - botocore's clients are made at run time
    """Make a client that goes where an `Emulator.environment` leads, and nowhere else."""
    with _MAKING_A_CLIENT:
        return SESSION.create_client(
            service,
            endpoint_url=variables["AWS_ENDPOINT_URL"],
            region_name=variables["AWS_REGION"],
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
            # `proxies`: a loopback address is never asked for through a user's proxy.
            config=Config(proxies={}, retries={"total_max_attempts": 1}),
        )


def isolated(variables: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without what it says about AWS, Pulumi and proxies."""
    kept = {
        name: value
        for name, value in variables.items()
        if not name.startswith(("AWS_", "PULUMI_", "BOTO_")) and not name.lower().endswith("_proxy")
    }
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    return kept | nowhere


def isolate_from_user() -> None:
    """Drop what the user's environment says about AWS, Pulumi and proxies from this process.

    The sandbox speaks to its own emulator only, whatever profile the user has chosen.
    """
    own = isolated(os.environ)
    os.environ.clear()
    os.environ.update(own)
