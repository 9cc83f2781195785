"""A deployment of the full stack calls nothing that its role may not.

tests/pulumi/test_bootstrap.py has the life of a smaller one, by Pulumi's own CLI.
"""

import contextvars

from sandbox import resources
from sandbox.configuration import handed_over
from sandbox.deploy import deploy
from tests.bootstrap.account import prepared
from tests.bootstrap.recorder import Recorder
from tests.pulumi.stack import config


def test_a_deployment_may_make_the_full_stack() -> None:
    with prepared() as account:
        recorder = Recorder(account)
        with recorder.recording():
            contextvars.copy_context().run(
                deploy,
                resources.Account(account.emulator),
                "prod",
                handed_over({**config("prod"), **account.emulator.config}),
                lambda _count: None,
            )
        calls = set(recorder.calls)
        assert {call.action for call in calls} >= {
            *("iam:PassRole", "kms:CreateKey", "sns:Subscribe", "events:PutTargets"),
            *("cloudwatch:PutMetricAlarm", "servicediscovery:CreateService"),
        }
        assert recorder.denied("Deploy", calls) == set()
        assert recorder.denied("Drift", calls) >= {it for it in calls if ":Create" in it.action}
