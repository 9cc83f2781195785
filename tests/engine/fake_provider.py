"""A provider plugin whose resources live in a JSON file: `fake:index:Thing`.

A thing has a `text` (updated in place), a `zone` (replaces), `key` (replaces, the old one first),
`token` (secret when it comes so), and a computed `address`. The file also has a journal of calls,
and names things whose creation is refused or slow, or that end the plugin.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from pulumi.provider.experimental import provider as protocol
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.server import main

INPUTS = {"text", "zone", "key", "token", "upstream"}
SLOW_S = 0.5
REPLACING = {"zone", "key"}


class FakeProvider(protocol.Provider):
    def __init__(self) -> None:
        self.file = Path()

    async def configure(self, request: protocol.ConfigureRequest) -> protocol.ConfigureResponse:
        self.file = Path(request.variables["fake:file"])
        return protocol.ConfigureResponse(accept_secrets=True, supports_preview=True)

    async def check(self, request: protocol.CheckRequest) -> protocol.CheckResponse:
        unknown = sorted(request.new_inputs.keys() - INPUTS)
        failures = [protocol.CheckFailure(name, "there is no such property") for name in unknown]
        return protocol.CheckResponse(request.new_inputs, failures)

    async def diff(self, request: protocol.DiffRequest) -> protocol.DiffResponse:
        self.die_of(request.name, request.old_state)
        changed = [
            name
            for name in sorted(INPUTS)
            if request.old_state.get(name) != request.new_inputs.get(name)
        ]
        return protocol.DiffResponse(
            changes=bool(changed),
            diffs=changed,
            replaces=[name for name in changed if name in REPLACING],
            delete_before_replace="key" in changed,
        )

    async def create(self, request: protocol.CreateRequest) -> protocol.CreateResponse:
        if request.preview:
            return protocol.CreateResponse("", request.properties)
        world = self.world()
        if request.name in world["refused"]:
            text = request.properties["token"].value if "token" in request.properties else ""
            raise ValueError(f"no room for it {text}")
        self.die_of(request.name, request.properties)
        if request.name in world["slow"]:
            self.file.with_suffix(".begun").touch()
            await asyncio.sleep(SLOW_S)
        world["serial"] += 1
        own = f"{request.name}-{world['serial']}"
        world["things"][own] = request.name
        self.write(world, f"create {own}")
        return protocol.CreateResponse(own, self.outputs(own, request.properties))

    async def update(self, request: protocol.UpdateRequest) -> protocol.UpdateResponse:
        if not request.preview:
            self.write(self.world(), f"update {request.resource_id}")
        return protocol.UpdateResponse(self.outputs(request.resource_id, request.news))

    async def read(self, request: protocol.ReadRequest) -> protocol.ReadResponse:
        self.die_of(request.name, request.properties)
        world = self.world()
        if request.resource_id not in world["things"]:
            return protocol.ReadResponse()
        properties = dict(request.properties)
        if request.resource_id in world["drifted"]:
            properties["text"] = PropertyValue(world["drifted"][request.resource_id])
        return protocol.ReadResponse(request.resource_id, properties, request.inputs)

    async def delete(self, request: protocol.DeleteRequest) -> None:
        self.die_of(request.name, request.properties)
        world = self.world()
        del world["things"][request.resource_id]
        self.write(world, f"delete {request.resource_id}")

    async def invoke(self, request: protocol.InvokeRequest) -> protocol.InvokeResponse:
        return protocol.InvokeResponse({"echo": request.args["text"]})

    @staticmethod
    def outputs(own: str, given: dict[str, PropertyValue]) -> dict[str, PropertyValue]:
        return {**given, "address": PropertyValue(f"address of {own}")}

    def die_of(self, name: str, properties: dict[str, PropertyValue]) -> None:
        if name in self.world()["deadly"]:
            token = properties.get("token")
            print("the fake provider dies", token.value if token else "", flush=True)
            os._exit(1)

    def world(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.file.read_text(encoding="utf-8"))
        return read

    def write(self, world: dict[str, Any], call: str) -> None:
        world["journal"].append(call)
        self.file.write_text(json.dumps(world), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:], "1.0.0", FakeProvider())
