"""A sandbox's stack under the engine: everything that a later command needs, in one directory."""

import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

from sandbox.deploy import ROOT, Deployment, project
from sandbox.emulator import Emulator
from sandbox.engine.driver import Engine
from sandbox.engine.errors import EngineError
from sandbox.engine.values import has_secret, shown
from sandbox.resources import Account

_FILE = "session.json"
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
        session.save(directory)
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

    def changed(self, changes: Mapping[str, str]) -> Self:
        """Return the session with another configuration.

        Args:
            changes: key -> text; the namespace may be left out.
        """
        name = project()["name"]
        named = {key if ":" in key else f"{name}:{key}": text for key, text in changes.items()}
        return replace(self, config={**self.config, **named})

    def save(self, directory: Path) -> None:
        """Write the session down, for its owner's eyes only."""
        new = directory / f"{_FILE}.new"
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(file, "w") as opened:
            json.dump(asdict(self), opened)
        new.replace(directory / _FILE)

    def engine(
        self, directory: Path, say: Callable[[str], None], changes: Mapping[str, str]
    ) -> Engine:
        """Return the engine for this stack.

        Args:
            directory: the session's.
            say: called with each line for the user.
            changes: configuration in place of the session's, as for `changed`.
        """
        return Engine(
            ROOT,
            self.stack,
            self.changed(changes).config,
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
        account: where to make the resources.
        say: called with each line for the user.

    Raises:
        EngineError: the program or a step fails.
    """
    session = Session.create(directory, stack, {**config, **provider_config(account.emulator)})
    engine = session.engine(directory, say, {})
    result = engine.up()
    snapshot = engine.state.load()
    return Deployment(
        outputs=shown(result.outputs),
        secret_outputs=frozenset(n for n, value in result.outputs.items() if has_secret(value)),
        resources=sum(item.custom and not item.is_provider for item in snapshot.resources),
    )
