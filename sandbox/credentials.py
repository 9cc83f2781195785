"""The credentials of a task's role, served as ECS serves them to a container."""

import json
import secrets
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sandbox.addresses import LOOPBACK
from sandbox.emulator import Emulator

_PATH = "/credentials"


class CredentialServer:
    """Serves a role's credentials on a loopback port, to whoever knows the token.

    Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
    """

    def __init__(self, emulator: Emulator, role_arn: str) -> None:
        """Start serving the credentials of a role."""
        token = secrets.token_urlsafe()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path != _PATH or self.headers.get("Authorization") != token:
                    self.send_error(HTTPStatus.FORBIDDEN)
                    return
                assumed = emulator.assume_service_role(role_arn, "ecs-tasks.amazonaws.com")
                credentials = {
                    "RoleArn": role_arn,
                    "AccessKeyId": assumed.access_key_id,
                    "SecretAccessKey": assumed.secret_access_key,
                    "Token": assumed.session_token,
                    "Expiration": assumed.expiration.strftime("%Y-%m-%dT%H:%M:%SZ"),
                }
                body = json.dumps(credentials).encode()
                self.send_response(HTTPStatus.OK)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: object) -> None:
                """Log nothing."""

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self.environment = {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": (
                f"http://{LOOPBACK}:{self._server.server_address[1]}{_PATH}"
            ),
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": token,
        }
        """What the container's environment needs, for its AWS SDK to find the credentials."""
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
