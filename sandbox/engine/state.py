"""The state of a stack: a file in the shape of `pulumi stack export`, secrets encrypted.

Format and encryption are those of Pulumi's deployment schema v3 and its passphrase provider.
"""

import base64
import datetime as dt
import fcntl
import functools
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from sandbox.engine.errors import EngineError
from sandbox.engine.values import is_secret, secret

_SCHEMA_VERSION = 3
_ITERATIONS = 1_000_000
_KEY_BYTES = 32
_SALT_BYTES = 8
_NONCE_BYTES = 12
_PROBE = "pulumi"
"""Encrypted with the key and kept beside it, to tell a wrong passphrase."""

PROVIDER_TYPE = "pulumi:providers:"
STACK_TYPE = "pulumi:pulumi:Stack"


@dataclass(eq=False)
class Resource:
    """A resource as the last run left it; two are equal only when they are one."""

    urn: str
    type: str
    custom: bool
    """A provider made it; otherwise it is a component."""
    id: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    """What the program gave, as the provider's check completed it."""
    outputs: dict[str, Any] = field(default_factory=dict)
    parent: str = ""
    dependencies: list[str] = field(default_factory=list)
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    provider: str = ""
    """`<URN>::<id>` of its provider."""
    protect: bool = False
    retain_on_delete: bool = False
    additional_secret_outputs: list[str] = field(default_factory=list)
    delete: bool = False
    """Another one has taken its place; it is still to be deleted."""
    modified: str = ""
    """When it was last made or updated, UTC."""

    @property
    def name(self) -> str:
        """The name that the program gave it."""
        return self.urn.split("::", 3)[3]

    @property
    def is_provider(self) -> bool:
        """It is the configuration of a provider."""
        return self.type.startswith(PROVIDER_TYPE)

    @property
    def is_default_provider(self) -> bool:
        """It is a provider that the program has not made itself."""
        return self.is_provider and is_default_provider(self.urn)

    def touch(self) -> None:
        """Note that it has been made or updated now."""
        self.modified = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def is_default_provider(urn: str) -> bool:
    """Tell whether a provider's URN has a name that the engine gives: `default_7_12_0`."""
    return re.fullmatch(r"default(_\d+)*", urn.rpartition("::")[2]) is not None


_JSON_NAMES = {
    "property_dependencies": "propertyDependencies",
    "retain_on_delete": "retainOnDelete",
    "additional_secret_outputs": "additionalSecretOutputs",
}


@dataclass
class Snapshot:
    """All that is known of a stack's resources."""

    resources: list[Resource] = field(default_factory=list)
    """Each one after those that it depends on."""

    creating: list[Resource] = field(default_factory=list)
    """What was being made when this was written."""


class Cipher:
    """Encrypts with a key made from a passphrase."""

    def __init__(self, passphrase: str, salt: bytes | None = None) -> None:
        """Make the key.

        Args:
            passphrase: whatever the user chose.
            salt: of a key that is in use. Default: a new, random one.
        """
        self._salt = salt or secrets.token_bytes(_SALT_BYTES)
        self._aes = AESGCM(_key(passphrase, self._salt))

    @classmethod
    def open(cls, passphrase: str, state: str) -> "Cipher":
        """Make the key that a state file was written with.

        Raises:
            EngineError: the passphrase is another one.
        """
        _, salt, probe = state.split(":", 2)
        cipher = cls(passphrase, base64.b64decode(salt))
        cipher.decrypt(probe)
        return cipher

    @property
    def state(self) -> str:
        """What `open` needs beside the passphrase."""
        return f"v1:{base64.b64encode(self._salt).decode()}:{self.encrypt(_PROBE)}"

    def encrypt(self, text: str) -> str:
        """Encrypt a text."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._aes.encrypt(nonce, text.encode(), None)
        return f"v1:{base64.b64encode(nonce).decode()}:{base64.b64encode(sealed).decode()}"

    def decrypt(self, text: str) -> str:
        """Decrypt a text.

        Raises:
            EngineError: it was encrypted with another key.
        """
        _, nonce, sealed = text.split(":")
        try:
            decrypted = self._aes.decrypt(base64.b64decode(nonce), base64.b64decode(sealed), None)
        except InvalidTag:
            raise EngineError(
                "the passphrase is not the one that the stack's state was encrypted with: give"
                " that one"
            ) from None
        return decrypted.decode()


@functools.cache
def _key(passphrase: str, salt: bytes) -> bytes:
    derivation = PBKDF2HMAC(
        algorithm=SHA256(), length=_KEY_BYTES, salt=salt, iterations=_ITERATIONS
    )
    return derivation.derive(passphrase.encode())


class StateFile:
    """Where the state of one stack is kept, for its owner's eyes only."""

    def __init__(self, directory: Path, project: str, stack: str, passphrase: str) -> None:
        """Name the file, whether it exists or not.

        Args:
            directory: of all projects and stacks.
            project: name of the project.
            stack: name of the stack.
            passphrase: protects the secrets in the file.
        """
        self.path = directory / project / f"{stack}.json"
        self._passphrase = passphrase
        self._cipher: Cipher | None = None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs away from the stack.

        Raises:
            EngineError: another run has it.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.path.with_suffix(".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise EngineError(
                    f"another run works on the stack of {self.path}: wait for its end"
                ) from None
            yield

    def load(self) -> Snapshot:
        """Read the state; there is none before the first run.

        Raises:
            EngineError: the passphrase is another one.
        """
        if not self.path.exists():
            return Snapshot()
        deployment = json.loads(self.path.read_text(encoding="utf-8"))["deployment"]
        cipher = Cipher.open(self._passphrase, deployment["secrets_providers"]["state"]["salt"])
        self._cipher = cipher
        resources = _decrypted(deployment["resources"], cipher.decrypt)
        pending = _decrypted(deployment["pending_operations"], cipher.decrypt)
        return Snapshot(
            [_from_json(resource) for resource in resources],
            [_from_json(operation["resource"]) for operation in pending],
        )

    def save(self, snapshot: Snapshot) -> None:
        """Replace the state, all of it or nothing."""
        cipher = self._cipher = self._cipher or Cipher(self._passphrase)
        deployment = {
            "manifest": {"time": dt.datetime.now(dt.UTC).isoformat(), "magic": "", "version": ""},
            "secrets_providers": {"type": "passphrase", "state": {"salt": cipher.state}},
            "resources": [_to_json(resource) for resource in snapshot.resources],
            "pending_operations": [
                {"type": "creating", "resource": _to_json(resource)}
                for resource in snapshot.creating
            ],
            "metadata": {},
        }
        content = {
            "version": _SCHEMA_VERSION,
            "deployment": _encrypted(deployment, cipher.encrypt),
        }
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = self.path.with_suffix(".new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(content, file, indent=2)
        new.replace(self.path)


def _to_json(resource: Resource) -> dict[str, Any]:
    return {
        _JSON_NAMES.get(name, name): value for name, value in vars(resource).items() if value != ""
    }


def _from_json(fields: Mapping[str, Any]) -> Resource:
    names = {spelt: name for name, spelt in _JSON_NAMES.items()}
    return Resource(**{names.get(key, key): value for key, value in fields.items()})


def _encrypted(value: Any, encrypt: Callable[[str], str]) -> Any:  # noqa: ANN401 - any JSON
    if is_secret(value):
        signature = {key: mark for key, mark in value.items() if key != "value"}
        return {**signature, "ciphertext": encrypt(json.dumps(value["value"]))}
    if isinstance(value, dict):
        return {key: _encrypted(item, encrypt) for key, item in value.items()}
    if isinstance(value, list):
        return [_encrypted(item, encrypt) for item in value]
    return value


def _decrypted(value: Any, decrypt: Callable[[str], str]) -> Any:  # noqa: ANN401 - any JSON
    if is_secret(value):
        return secret(json.loads(decrypt(value["ciphertext"])))
    if isinstance(value, dict):
        return {key: _decrypted(item, decrypt) for key, item in value.items()}
    if isinstance(value, list):
        return [_decrypted(item, decrypt) for item in value]
    return value
