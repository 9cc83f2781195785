"""The ECS agent: runs the tasks of the emulator's services, which the emulator itself does not."""

from sandbox.ecs.agent import Agent

__all__ = ["Agent"]
