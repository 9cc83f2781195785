"""A stack of fake things, for tests of the engine itself."""

import json
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.engine.driver import Engine, Result

PASSPHRASE = "correct horse"  # noqa: S105 - of a state that lives as long as a test

PRELUDE = """
import pulumi

class Thing(pulumi.CustomResource):
    address: pulumi.Output[str]
    text: pulumi.Output[str]

    def __init__(self, name, opts=None, **inputs):
        super().__init__("fake:index:Thing", name, {"address": None, "text": None} | inputs, opts)

class Group(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("fake:index:Group", name)

Options = pulumi.ResourceOptions
"""


class FakeStack:
    def __init__(self, directory: Path) -> None:
        self.said: list[str] = []
        self._directory = directory
        self.world_path = directory / "world.json"
        hindrances: dict[str, Any] = {"refused": [], "slow": [], "deadly": [], "drifted": {}}
        world = {"serial": 0, "things": {}, "journal": [], **hindrances}
        self.world_path.write_text(json.dumps(world), encoding="utf-8")
        (directory / "Pulumi.yaml").write_text("name: shop\nruntime: python\n", encoding="utf-8")
        path = Path(__file__).parent / "fake_provider.py"
        (directory / "plugins.yaml").write_text(
            json.dumps({"plugins": {"providers": [{"name": "fake", "path": str(path)}]}}),
            encoding="utf-8",
        )

    def program(self, text: str) -> None:
        (self._directory / "__main__.py").write_text(
            PRELUDE + textwrap.dedent(text), encoding="utf-8"
        )

    def engine(self, passphrase: str = PASSPHRASE) -> Engine:
        return Engine(
            self._directory,
            "dev",
            {"fake:file": str(self.world_path), "shop:zone": "a"},
            state_dir=self._directory / "state",
            passphrase=passphrase,
            plugins=self._directory / "plugins.yaml",
            say=self.said.append,
        )

    def up(self, text: str | None = None) -> Result:
        if text is not None:
            self.program(text)
        return self.engine().up()

    def preview(self, text: str | None = None) -> Result:
        if text is not None:
            self.program(text)
        return self.engine().preview()

    @property
    def world(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.world_path.read_text(encoding="utf-8"))
        return read

    def change_world(self, changes: Mapping[str, Any]) -> None:
        self.world_path.write_text(json.dumps({**self.world, **changes}), encoding="utf-8")

    def journal(self) -> list[str]:
        """Return the provider's calls since the last look."""
        calls: list[str] = self.world["journal"]
        self.change_world({"journal": []})
        return calls

    @property
    def state_text(self) -> str:
        return self.engine().state.path.read_text(encoding="utf-8")
