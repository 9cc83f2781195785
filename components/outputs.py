"""A component's outputs: its annotated attributes, which is where other languages read them too."""

import inspect

import pulumi


def register_outputs(component: pulumi.ComponentResource) -> None:
    """Register all outputs of a component: the last line of its constructor.

    Raises:
        AttributeError: the component has not set one.
    """
    names = inspect.get_annotations(type(component))
    component.register_outputs({name: getattr(component, name) for name in names})
