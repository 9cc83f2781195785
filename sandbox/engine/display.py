"""What a person sees of a run: Pulumi's signs, names and counts, and never a property's value."""

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.engine.steps import Op, Step
from sandbox.engine.values import shown

_SIGNS = {
    Op.CREATE: "+",
    Op.UPDATE: "~",
    Op.REPLACE: "+-",
    Op.DELETE: "-",
    Op.DELETE_REPLACED: "--",
}
_PLANNED = {
    Op.CREATE: "to create",
    Op.UPDATE: "to update",
    Op.REPLACE: "to replace",
    Op.DELETE: "to delete",
}
_DONE = {
    Op.CREATE: "created",
    Op.UPDATE: "updated",
    Op.REPLACE: "replaced",
    Op.DELETE: "deleted",
}


def line(step: Step) -> str:
    """Return the line of one step; empty for a resource that stays as it is."""
    if step.op is Op.SAME:
        return ""
    differences = f"  [diff: {', '.join(step.changed)}]" if step.changed else ""
    return f" {_SIGNS[step.op]:2} {step.type}  {step.name}  {step.op}{differences}"


def outputs(values: Mapping[str, Any]) -> list[str]:
    """Return the lines of the stack's outputs, secrets and unknowns hidden."""
    if not values:
        return []
    return ["Outputs:", *(f"    {key}: {shown(values[key])}" for key in sorted(values))]


def summary(counts: Mapping[Op, int], *, planned: bool) -> list[str]:
    """Return the lines that say how many resources a run has changed."""
    words: Mapping[Op, str] = _PLANNED if planned else _DONE
    lines = [
        f"    {_SIGNS[op]:2} {counts[op]} {word}" for op, word in words.items() if counts.get(op)
    ]
    if counts.get(Op.SAME):
        lines.append(f"    {counts[Op.SAME]} unchanged")
    return ["Resources:", *(lines or ["    none"])]


def counted(steps: Sequence[Step]) -> dict[Op, int]:
    """Count the steps as Pulumi does: a replacement is one, with what it deletes."""
    return {
        op: count
        for op in Op
        if op is not Op.DELETE_REPLACED and (count := sum(step.op is op for step in steps))
    }
