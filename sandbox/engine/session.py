"""A sandbox's stack under the engine: everything that a later command needs, in one directory."""

import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from sandbox.deploy import ROOT, Deployment, project
from sandbox.emulator import Emulator
from sandbox.engine.driver import Engine
from sandbox.engine.errors import EngineError
from sandbox.engine.state import Snapshot
from sandbox.engine.values import is_secret, plain, shown
from sandbox.resources import Account
from sandbox.resources.containers import image_source

_FILE = "session.json"
_IMAGE = "docker:index/image:Image"
_PASSPHRASE_BYTES = 16


def provider_config(emulator: Emulator) -> dict[str, str]:
    """Return the configuration that leads the provider plugin to an emulator."""
    return {
        "aws:endpoints": json.dumps([{"ec2": emulator.endpoint}]),
        "aws:accessKey": emulator.access_key_id,
        "aws:secretKey": emulator.secret_access_key,
    }


@dataclass(frozen=True)
class Session:
    """Stack, configuration and passphrase; the state is beside them."""

    stack: str
    config: Mapping[str, str]
    passphrase: str

    @classmethod
    def create(cls, directory: Path, stack: str, config: Mapping[str, str]) -> Self:
        """Begin, with a passphrase of its own.

        Args:
            directory: to make; for its owner's eyes only.
            stack: name of the stack.
            config: all of its configuration, the provider's with it.
        """
        session = cls(stack, config, secrets.token_hex(_PASSPHRASE_BYTES))
        directory.mkdir(mode=0o700)
        file = os.open(directory / _FILE, os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(file, "w") as opened:
            json.dump(asdict(session), opened)
        return session

    @classmethod
    def open(cls, directory: Path) -> Self:
        """Take up what `create` has begun.

        Raises:
            EngineError: nothing has been begun there.
        """
        try:
            return cls(**json.loads((directory / _FILE).read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise EngineError(
                "this sandbox was deployed without the engine, so there is no state: start one"
                " with `python -m sandbox up --engine`"
            ) from None

    def engine(
        self, directory: Path, say: Callable[[str], None], changes: Mapping[str, str]
    ) -> Engine:
        """Return the engine for this stack.

        Args:
            directory: the session's.
            say: called with each line for the user.
            changes: configuration in place of the session's; the namespace may be left out.
        """
        name = project()["name"]
        changed = {key if ":" in key else f"{name}:{key}": text for key, text in changes.items()}
        return Engine(
            ROOT,
            self.stack,
            {**self.config, **changed},
            state_dir=directory,
            passphrase=self.passphrase,
            say=say,
        )


def up(
    directory: Path,
    stack: str,
    config: Mapping[str, str],
    account: Account,
    say: Callable[[str], None],
) -> Deployment:
    """Deploy the program through the engine, in place of `sandbox.deploy.deploy`.

    Args:
        directory: for the session; it must not exist.
        stack: name of the stack.
        config: the configuration, as `sandbox.deploy.configuration` returns it.
        account: where to make the resources; it gets to know the images.
        say: called with each line for the user.

    Raises:
        EngineError: the program or a step fails.
    """
    session = Session.create(directory, stack, {**config, **provider_config(account.emulator)})
    engine = session.engine(directory, say, {})
    result = engine.up()
    snapshot = engine.state.load()
    _learn_images(account, snapshot)
    return Deployment(
        outputs={
            name: shown(value) if is_secret(value) else plain(value)
            for name, value in result.outputs.items()
        },
        secret_outputs=frozenset(n for n, value in result.outputs.items() if is_secret(value)),
        resources=sum(item.custom and not item.is_provider for item in snapshot.resources),
    )


def _learn_images(account: Account, snapshot: Snapshot) -> None:
    """Fill the registry's contents, which the plugin's process has not left, from the state."""
    for resource in snapshot.resources:
        if resource.type == _IMAGE:
            digest = plain(resource.outputs["repoDigest"])
            account.images[digest] = image_source(plain(resource.inputs))
