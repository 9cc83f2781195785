"""The engine with a program and a provider of its own: what it does, in which order."""

import json
from pathlib import Path

import pytest

from sandbox.engine.driver import Result
from sandbox.engine.errors import EngineError
from sandbox.engine.state import Resource, Snapshot
from sandbox.engine.steps import Op
from sandbox.engine.values import UNKNOWN, is_secret
from tests.engine.fake_stack import FakeStack

SECRET = "hunter22"  # noqa: S105 - what the tests look for

SHOP = f"""
group = Group("shop")
a = Thing("a", text="x", token=pulumi.Output.secret("{SECRET}"))
b = Thing("b", text=a.address, opts=Options(parent=group))
c = Thing("c", zone=b.address)
pulumi.export("address", c.address)
pulumi.export("token", pulumi.Output.secret("{SECRET}"))
"""


@pytest.fixture
def stack(tmp_path: Path) -> FakeStack:
    return FakeStack(tmp_path)


def changes(result: Result) -> list[tuple[str, str]]:
    """What was done to which resource, in order."""
    return [(step.op.value, step.name) for step in result.steps if step.op is not Op.SAME]


# --- preview, up, again ---


def test_a_preview_knows_what_will_be_made_but_makes_nothing(stack: FakeStack) -> None:
    result = stack.preview(SHOP)
    assert result.counts == {Op.CREATE: 5}
    assert result.outputs["address"] == UNKNOWN
    assert stack.journal() == []
    assert not stack.engine().state.path.exists()


def test_up_makes_everything_after_what_it_depends_on(stack: FakeStack) -> None:
    result = stack.up(SHOP)
    assert result.counts == {Op.CREATE: 5}
    assert result.outputs["address"] == "address of c-3"
    assert stack.journal() == ["create a-1", "create b-2", "create c-3"]


def test_a_second_up_a_preview_and_a_refresh_change_nothing(stack: FakeStack) -> None:
    first = stack.up(SHOP)
    stack.journal()
    assert stack.up().counts == stack.preview().counts == {Op.SAME: 5}
    assert stack.up().outputs == first.outputs
    assert stack.engine().refresh().counts == {Op.SAME: 3}
    assert stack.journal() == []


def test_what_the_program_sees_of_an_unchanged_resource_is_known_in_a_preview(
    stack: FakeStack,
) -> None:
    stack.up(SHOP)
    assert stack.preview().outputs["address"] == "address of c-3"


# --- changes ---


def test_an_update_happens_in_place(stack: FakeStack) -> None:
    stack.up(SHOP)
    stack.journal()
    result = stack.up(SHOP.replace('"x"', '"y"'))
    assert changes(result) == [("update", "a")]
    assert stack.journal() == ["update a-1"]


def test_a_replacement_is_made_before_the_old_one_goes_and_dependents_follow(
    stack: FakeStack,
) -> None:
    stack.up(SHOP)
    stack.journal()
    result = stack.up(SHOP.replace('text="x"', 'text="x", zone="2"'))
    assert stack.journal() == ["create a-4", "update b-2", "delete a-1"]
    assert changes(result) == [("replace", "a"), ("update", "b"), ("delete-replaced", "a")]
    assert result.counts == {Op.SAME: 3, Op.UPDATE: 1, Op.REPLACE: 1}


def test_the_old_one_goes_first_where_the_provider_or_the_program_says_so(
    stack: FakeStack,
) -> None:
    stack.up('Thing("a", key="1")\nThing("b", zone="1", opts=Options(delete_before_replace=True))')
    stack.journal()
    stack.up('Thing("a", key="2")\nThing("b", zone="2", opts=Options(delete_before_replace=True))')
    calls = [call.rsplit("-", 1)[0] for call in stack.journal()]
    # Resources that do not depend on one another come in any order.
    assert [call for call in calls if call.endswith("a")] == ["delete a", "create a"]
    assert [call for call in calls if call.endswith("b")] == ["delete b", "create b"]


def test_what_cannot_outlive_the_old_one_goes_before_it(stack: FakeStack) -> None:
    text = 'a = Thing("a", key="1")\nb = Thing("b", zone=a.address)\nThing("c", text=a.address)'
    stack.up(text)
    stack.journal()
    stack.up(text.replace('"1"', '"2"'))
    journal = stack.journal()
    assert [call.rsplit("-", 1)[0] for call in journal[:3]] == ["delete b", "delete a", "create a"]
    assert sorted(call.rsplit("-", 1)[0] for call in journal[3:]) == ["create b", "update c"]


def test_what_is_no_longer_registered_is_deleted_dependents_first(stack: FakeStack) -> None:
    stack.up(SHOP)
    stack.journal()
    result = stack.up("")
    assert changes(result) == [("delete", name) for name in ("c", "b", "a", "shop")]
    assert stack.journal() == ["delete c-3", "delete b-2", "delete a-1"]


def test_an_ignored_change_is_ignored(stack: FakeStack) -> None:
    text = 'Thing("a", text="x", zone="1", opts=Options(ignore_changes=["zone"]))'
    stack.up(text)
    result = stack.up(text.replace('"1"', '"2"').replace('"x"', '"y"'))
    assert changes(result) == [("update", "a")]
    assert '"zone": "1"' in stack.state_text


def test_replace_on_changes_replaces(stack: FakeStack) -> None:
    text = 'Thing("a", text="x", opts=Options(replace_on_changes=["text"]))'
    stack.up(text)
    assert changes(stack.up(text.replace('"x"', '"y"')))[0] == ("replace", "a")


def test_an_alias_keeps_the_resource(stack: FakeStack) -> None:
    stack.up('a = Thing("a", text="x")\nThing("b", text=a.address)')
    alias = 'Options(aliases=[pulumi.Alias(name="a")])'
    result = stack.up(f'a = Thing("new", text="x", opts={alias})\nThing("b", text=a.address)')
    assert changes(result) == []
    assert '::a"' not in stack.state_text


def test_a_provider_of_the_program_is_configured_by_it(stack: FakeStack) -> None:
    text = f"""
    own = pulumi.ProviderResource("fake", "own", {{"file": "{stack.world_path}"}})
    Thing("a", text="x", opts=Options(provider=own))
    """
    assert stack.preview(text).counts == {Op.CREATE: 3}
    assert stack.up().counts == {Op.CREATE: 3}
    assert stack.up().counts == {Op.SAME: 3}
    assert stack.engine().destroy().counts == {Op.DELETE: 3}
    assert stack.world["things"] == {}


def provider(name: str, file: Path, options: str = "") -> str:
    """A line of a program: a provider whose things live in a file of its own."""
    return f'{name} = pulumi.ProviderResource("fake", "{name}", {{"file": "{file}"}}{options})\n'


def other_world(stack: FakeStack) -> Path:
    file = stack.world_path.with_name("other.json")
    file.write_text(stack.world_path.read_text(encoding="utf-8"), encoding="utf-8")
    return file


def things(file: Path) -> list[str]:
    return sorted(json.loads(file.read_text(encoding="utf-8"))["things"].values())


def test_up_deletes_through_a_provider_of_the_program(stack: FakeStack) -> None:
    text = provider("own", stack.world_path) + 'Thing("a", opts=Options(provider=own))\n'
    stack.up(text + 'Thing("b", opts=Options(provider=own))')
    assert changes(stack.up(text)) == [("delete", "b")]
    assert things(stack.world_path) == ["a"]


def test_a_provider_that_gets_another_name_keeps_its_resources(stack: FakeStack) -> None:
    thing = 'Thing("{0}", opts=Options(provider={1}))\n'
    stack.up(provider("p", stack.world_path) + thing.format("a", "p") + thing.format("b", "p"))
    alias = ', Options(aliases=[pulumi.Alias(name="p")])'
    text = provider("q", stack.world_path, alias) + thing.format("a", "q")
    assert changes(stack.up(text)) == [("delete", "b")]
    stack.engine().destroy()
    assert things(stack.world_path) == []


def test_a_resource_without_its_provider_is_an_error(stack: FakeStack) -> None:
    stack.up('Thing("a")')
    lost = stack.engine().state.load().resources[-1]
    lost.provider = "urn:pulumi:dev::shop::pulumi:providers:fake::gone::1"
    stack.engine().state.save(Snapshot([lost]))
    with pytest.raises(EngineError, match="gone of a fake:index:Thing is not in the state"):
        stack.engine().destroy()


def test_a_resource_that_goes_to_another_provider_is_replaced(stack: FakeStack) -> None:
    other = other_world(stack)
    text = provider("p", stack.world_path) + provider("q", other)
    stack.up(text + 'Thing("a", opts=Options(provider=p))')
    result = stack.up(text + 'Thing("a", opts=Options(provider=q))')
    assert changes(result) == [("replace", "a"), ("delete-replaced", "a")]
    assert (things(stack.world_path), things(other)) == ([], ["a"])


def test_a_provider_may_have_a_name_that_begins_as_the_engines_own(stack: FakeStack) -> None:
    other = other_world(stack)
    stack.up(provider("default_eu", other) + 'Thing("a", opts=Options(provider=default_eu))')
    assert (things(stack.world_path), things(other)) == ([], ["a"])
    with pytest.raises(EngineError, match=r"'default_1'.*another name"):
        stack.up(provider("default_1", other))


# --- failures ---


def test_an_up_that_fails_half_way_is_completed_by_the_next(stack: FakeStack) -> None:
    stack.change_world({"refused": ["b"]})
    with pytest.raises(EngineError, match=r"^fake:index:Thing 'b': no room for it"):
        stack.up(SHOP)
    assert stack.journal() == ["create a-1"]
    stack.change_world({"refused": []})
    stack.up()
    assert stack.journal() == ["create b-2", "create c-3"]
    assert stack.up().counts == {Op.SAME: 5}


def test_a_failed_up_deletes_nothing(stack: FakeStack) -> None:
    stack.up('Thing("a", zone="1")\nThing("old")')
    stack.journal()
    stack.change_world({"refused": ["b"]})
    text = 'a = Thing("a", zone="2")\nThing("b", text=a.address)'
    with pytest.raises(EngineError, match="'b'"):
        stack.up(text)
    assert stack.journal() == ["create a-3"]
    stack.change_world({"refused": []})
    result = stack.up()
    assert stack.journal()[0] == "create b-4"
    assert ("delete-replaced", "a") in changes(result)
    assert ("delete", "old") in changes(result)
    assert sorted(stack.world["things"]) == ["a-3", "b-4"]


def test_a_program_that_refuses_is_quoted_without_a_trace(stack: FakeStack) -> None:
    with pytest.raises(EngineError) as caught:
        stack.up('raise pulumi.RunError("zone: expected a or b")')
    assert str(caught.value) == "zone: expected a or b"


def test_a_program_that_fails_is_quoted_with_its_trace(stack: FakeStack) -> None:
    stack.up('Thing("a")')
    stack.journal()
    with pytest.raises(EngineError, match=r'File "/.*/__main__.py"(.|\n)*ZeroDivisionError'):
        stack.up("1 / 0")
    assert stack.journal() == []


def test_a_program_that_dies_is_a_failure(stack: FakeStack) -> None:
    with pytest.raises(EngineError, match="exit code 7"):
        stack.up("import os\nos._exit(7)")


@pytest.mark.parametrize("end", ["import sys; sys.exit(0)", "import os; os._exit(0)"])
def test_a_program_that_ends_early_deletes_nothing(stack: FakeStack, end: str) -> None:
    stack.up('Thing("a")\nThing("b")')
    with pytest.raises(EngineError, match=r"sys\.exit\(0\)|too early"):
        stack.up(f'Thing("a")\n{end}')
    assert things(stack.world_path) == ["a", "b"]


def test_what_is_made_while_the_program_dies_is_not_lost(stack: FakeStack) -> None:
    stack.change_world({"slow": ["a"]})
    dies_when_begun = f"""
    import os, pathlib, threading, time

    def die():
        while not pathlib.Path("{stack.world_path.with_suffix(".begun")}").exists():
            time.sleep(0.01)
        os._exit(7)

    threading.Thread(target=die).start()
    Thing("a")
    """
    with pytest.raises(EngineError, match="exit code 7"):
        stack.up(dies_when_begun)
    assert stack.journal() == ["create a-1"]
    assert ("create", "a") not in changes(stack.up('Thing("a")'))
    assert stack.journal() == []


def test_a_plugin_that_dies_is_quoted(stack: FakeStack) -> None:
    stack.change_world({"deadly": ["a"]})
    with pytest.raises(EngineError, match=r"'a': plugin fake_provider.py has ended:\n(.|\n)*dies"):
        stack.up('Thing("a")')


def test_a_refused_resource_is_not_one_that_may_exist(stack: FakeStack) -> None:
    stack.change_world({"refused": ["a"]})
    with pytest.raises(EngineError, match="no room"):
        stack.up('Thing("a")')
    assert json.loads(stack.state_text)["deployment"]["pending_operations"] == []
    stack.change_world({"refused": []})
    stack.up()
    assert not any("warning" in line for line in stack.said)


def test_what_check_refuses_is_named(stack: FakeStack) -> None:
    expected = r"^fake:index:Thing 'a': colour: there is no such property$"
    with pytest.raises(EngineError, match=expected):
        stack.up('Thing("a", colour="red")')


def test_a_name_may_be_used_once(stack: FakeStack) -> None:
    with pytest.raises(EngineError, match="'a' is registered twice"):
        stack.up('Thing("a")\nThing("a")')


@pytest.mark.parametrize(
    "option",
    [
        'import_="a-1"',
        'custom_timeouts=pulumi.CustomTimeouts(create="1s")',
        'ignore_changes=["*"]',
        'replacement_trigger="x"',
    ],
)
def test_options_that_are_unknown_are_refused(stack: FakeStack, option: str) -> None:
    with pytest.raises(EngineError, match=f"does not know: {option.partition('=')[0]}"):
        stack.up(f'Thing("a", opts=Options({option}))')


def test_a_resource_as_an_input_is_its_id(stack: FakeStack) -> None:
    """The plugins accept no references to resources."""
    stack.up('a = Thing("a")\nThing("b", upstream=a)')
    b = next(r for r in stack.engine().state.load().resources if r.name == "b")
    assert b.inputs["upstream"] == "a-1"


def test_a_package_without_a_plugin_is_refused(stack: FakeStack) -> None:
    with pytest.raises(EngineError, match="no plugin for the package 'other'"):
        stack.up('pulumi.CustomResource("other:index:Thing", "a", {})')


def test_a_run_that_was_killed_while_it_made_something_is_told(stack: FakeStack) -> None:
    stack.program(SHOP)
    lost = Resource("urn:pulumi:dev::shop::fake:index:Thing::a", "fake:index:Thing", custom=True)
    stack.engine().state.save(Snapshot([], [lost]))
    stack.up()
    assert any("interrupted while it made fake:index:Thing 'a'" in line for line in stack.said)
    assert json.loads(stack.state_text)["deployment"]["pending_operations"] == []


# --- refresh, destroy ---


def test_a_refresh_adopts_drift_and_the_next_up_mends_it(stack: FakeStack) -> None:
    stack.up(SHOP)
    stack.change_world({"drifted": {"a-1": "by hand"}})
    result = stack.engine().refresh()
    assert next(step for step in result.steps if step.op is Op.UPDATE).changed == ["text"]
    assert changes(stack.up()) == [("update", "a")]


def test_a_refresh_drops_what_is_gone_and_the_next_up_makes_it(stack: FakeStack) -> None:
    stack.up('Thing("a", text="x")\nThing("b")')
    gone = next(own for own, name in stack.world["things"].items() if name == "a")
    stack.change_world({"things": {o: n for o, n in stack.world["things"].items() if o != gone}})
    assert stack.engine().refresh().counts == {Op.SAME: 1, Op.DELETE: 1}
    assert changes(stack.up()) == [("create", "a")]


def test_destroy_deletes_everything_in_reverse(stack: FakeStack) -> None:
    stack.up(SHOP)
    stack.journal()
    assert stack.engine().destroy().counts == {Op.DELETE: 5}
    assert stack.journal() == ["delete c-3", "delete b-2", "delete a-1"]
    assert json.loads(stack.state_text)["deployment"]["resources"] == []


def test_a_protected_resource_stops_a_destroy_before_anything_is_deleted(
    stack: FakeStack,
) -> None:
    text = 'Thing("a", zone="1", opts=Options(protect=True))\nThing("b")'
    stack.up(text)
    stack.journal()
    for run in (
        stack.engine().destroy,
        lambda: stack.up(""),
        lambda: stack.up(text.replace("1", "2")),
    ):
        with pytest.raises(EngineError, match=r"'a' cannot be (deleted|replaced): .*`protect`"):
            run()
    assert [call for call in stack.journal() if call.startswith("delete")] == []
    stack.up(text.replace("True", "False"))
    stack.engine().destroy()
    assert stack.world["things"] == {}


def test_a_retained_resource_leaves_only_the_state(stack: FakeStack) -> None:
    stack.up('Thing("a", opts=Options(retain_on_delete=True))')
    stack.engine().destroy()
    assert list(stack.world["things"].values()) == ["a"]
    assert "::a" not in stack.state_text


# --- secrets ---


def test_no_secret_is_in_the_state_or_on_the_screen(stack: FakeStack) -> None:
    result = stack.up(SHOP)
    assert SECRET not in stack.state_text
    assert SECRET not in "\n".join(stack.said)
    assert is_secret(result.outputs["token"])
    token = next(r for r in stack.engine().state.load().resources if r.name == "a").inputs["token"]
    assert token["value"] == SECRET


def test_no_secret_is_in_an_error(stack: FakeStack) -> None:
    stack.change_world({"refused": ["a"]})
    with pytest.raises(EngineError, match=r"no room for it \[secret\]") as caught:
        stack.up(SHOP)
    assert SECRET not in str(caught.value)


def test_no_secret_is_in_what_a_dead_plugin_has_said(stack: FakeStack) -> None:
    text = f'Thing("a", text="x", token=pulumi.Output.secret("{SECRET}"))'
    stack.up(text)
    stack.change_world({"deadly": ["a"]})
    runs = (
        stack.engine().refresh,  # read
        stack.engine().destroy,  # delete
        lambda: stack.up(text.replace(SECRET, "new")),  # diff
    )
    for run in runs:
        with pytest.raises(EngineError, match=r"dies \[secret\]") as caught:
            run()
        assert SECRET not in str(caught.value)


def test_an_output_can_be_made_secret(stack: FakeStack) -> None:
    stack.up('Thing("a", text="x")')
    assert "address of a-1" in stack.state_text
    stack.up('Thing("a", text="x", opts=Options(additional_secret_outputs=["address"]))')
    assert "address of a-1" not in stack.state_text


def test_a_function_is_called(stack: FakeStack) -> None:
    text = """
    call = pulumi.runtime.invoke_output("fake:index:echo", {"text": "hello"})
    pulumi.export("echo", call.apply(lambda result: result["echo"]))
    """
    assert stack.preview(text).outputs == {"echo": "hello"}


# --- the state ---


def test_another_passphrase_is_refused(stack: FakeStack) -> None:
    stack.up(SHOP)
    with pytest.raises(EngineError, match="passphrase is not the one"):
        stack.engine("battery staple").up()


def test_two_runs_at_once_are_refused(stack: FakeStack) -> None:
    stack.program(SHOP)
    engine = stack.engine()
    with engine.state.locked(), pytest.raises(EngineError, match="another run"):
        stack.engine().up()


def test_the_state_is_for_its_owner_only(stack: FakeStack) -> None:
    stack.up(SHOP)
    assert stack.engine().state.path.stat().st_mode & 0o077 == 0
