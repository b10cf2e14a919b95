"""The acts of `make demo`, in order. Each checks that it happened as told, and raises StoryError where it did not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Final

from botocore.credentials import Credentials  # type: ignore[import-untyped]  # ships no types
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # ships no types

from ml_constructs.policy.review import read
from ml_constructs.policy.terminal import show
from tests.end_to_end.deployment import Answer
from tests.local_aws.demo import checks, epilogue, view
from tests.local_aws.demo.commands import Command
from tests.local_aws.demo.load import BODY, Callers
from tests.local_aws.demo.screen import Scene, StoryError
from tests.local_aws.demo.snapshot import OK, Progress, Snapshot
from tests.local_aws.demo.stage import LIMIT, STACK, Stage
from tests.local_aws.demo.tracking import Tracking
from tests.local_aws.launcher import ACCOUNT, REGION

SPEED: Final = 120  # AWS seconds in a second: a minute takes half a second, the canary's ten minutes five seconds
CALLERS: Final = ("web", "mobile", "batch", "partner")
WATCHED: Final = "champion"
LEAST: Final = 2  # instances of a variant at rest: stacks/realtime.py
_PATIENCE: Final = 30.0  # seconds until the load is measured anew; instances rise after 4 on an idle machine
_ATTEMPTS: Final = 10
_QUIET: Final = 10  # the low load is a tenth, far below the target even where instances have fallen
_FIRST_REQUESTS: Final = 150  # enough to tell weights apart
_TRICKLE: Final = 8.0  # requests a second of all callers while nothing is to happen
_AFTERWARDS: Final = 20  # requests after the rollback, none of which may fail


def tell(stage: Stage) -> None:
    """All acts.

    Raises:
        StoryError: something did not happen as told.
        TimeoutError: a command did not end.
    """
    review(stage)
    deploy(stage)
    callers, tracking = call(stage)
    refuse(stage, callers, tracking)
    fail(stage, callers)
    epilogue.show(stage)


def review(stage: Stage) -> None:
    """Synthesise the example stacks, and show what guards them."""
    with stage.act("The example stacks, synthesised and reviewed"):
        bootstrap = stage.cdk("bootstrap", "bootstrap", f"aws://{ACCOUNT}/{REGION}", directory=stage.cloud.run)
        synth = stage.synth("synth", stage.assembly)
        with stage.screen.busy("cdk synth, cdk-nag and aws-cdk's own rules"):
            status = synth.wait(LIMIT)
        if status and not (stage.assembly / "validation-report.json").exists():
            raise _failed(synth)
        found = read(stage.assembly)
        show(found, stage.screen.console, with_reasons=bool(found.findings))
        if found.findings:
            raise StoryError("findings are left: fix them, or acknowledge them next to their cause")
        accepted = sum(len(stack.acknowledged) for stack in found.stacks)
        stage.screen.say(
            f"{accepted} findings were accepted, each with its reason beside the cause. To read them: "
            "python -m ml_constructs.policy cdk.out"
        )
        with stage.screen.busy("cdk bootstrap"):
            if bootstrap.wait(LIMIT):
                raise _failed(bootstrap)


def deploy(stage: Stage) -> None:
    """`cdk deploy` of the reviewed assembly."""
    with stage.act(f"cdk deploy {STACK}, to an AWS on this machine"):
        template = json.loads((stage.assembly / f"{STACK}.template.json").read_text())
        command = stage.deploy("deploy", stage.assembly)
        scene: Scene[Progress] = Scene(
            look=partial(stage.observer.progress, _count(template["Resources"])),
            panel=partial(view.progress_panel, title=STACK),
            line=view.progress_line,
        )
        seen = stage.screen.watch(
            scene, until=lambda seen: bool(command.status) or (command.status == 0 and seen.is_settled), limit=LIMIT,
            wanted="the deployment",
        )  # fmt: skip
        if command.status or seen.status != "CREATE_COMPLETE":
            raise _failed(command)
        stage.read_outputs()
        stage.observer.find_endpoint()
        stage.screen.say(f"POST {stage.cloud.url}/_aws/execute-api/{stage.deployment.api}/live/invocations")


def call(stage: Stage) -> tuple[Callers, Tracking]:
    """Signed requests through API Gateway and the function, as many as this machine manages, until instances rise."""
    with stage.act(f"Signed requests from {len(CALLERS)} callers, through the API"):
        users = [stage.caller(name) for name in CALLERS]
        first = stage.post(users[0])
        _expect(first, OK, "the first signed request")
        malignant, benign = first.body["predictions"]
        stage.screen.say(
            f"The {first.variant} answers: benign with probability {malignant:.3f} for a malignant sample, "
            f"{benign:.3f} for a benign one."
        )
        callers = stage.resources.enter_context(Callers([partial(stage.post, user) for user in users], stage.journal))
        stage.observer.count_from_now()
        scene = _traffic(stage, "as fast as they can")
        seen = stage.screen.watch(
            scene, until=lambda seen: seen.total.requests >= _FIRST_REQUESTS, limit=LIMIT, wanted="the traffic"
        )
        checks.follows_weights(seen)
        tracking = Tracking(stage.deployment.client, stage.observer.endpoint, WATCHED)
        stage.screen.say(
            f"Time runs {SPEED} times as fast here, so a minute brings each {WATCHED} instance {_per_minute(seen):.1f} "
            f"requests, not the {tracking.target:,.0f} that the stack scales at. The demo lowers that target to half "
            f"of the load: now {LEAST} instances have twice as much as they should."
        )
        risen = _overload(stage, tracking, scene, seen)
        checks.all_answered(risen)
        stage.screen.say(f"{risen.total.requests} requests, {view.statuses(risen.total)}.")
        return callers, tracking


def _overload(stage: Stage, tracking: Tracking, scene: Scene[Snapshot], seen: Snapshot) -> Snapshot:
    """Keep the target at half of the load until instances rise: on a busy machine, the load itself may fall."""
    for _ in range(_ATTEMPTS):
        tracking.retarget(max(0.1, round(_per_minute(seen) / 2, 1)))
        until = partial(_has_risen_or_waited, seen.second + _PATIENCE)
        seen = stage.screen.watch(scene, until=until, limit=LIMIT, wanted="a further instance")
        if _has_risen(seen):
            return seen
    raise StoryError(f"{WATCHED} has no further instance after {_ATTEMPTS * _PATIENCE:.0f} seconds of twice the load")


def _per_minute(seen: Snapshot) -> float:
    """The requests that an instance serves in a minute of the local cloud."""
    return seen.now.per_second * seen.now.share(WATCHED) / LEAST * 60 / SPEED


def refuse(stage: Stage, callers: Callers, tracking: Tracking) -> None:
    """Those who may not call; meanwhile the load is low, and the instances fall."""
    with stage.act("Those who may not call; meanwhile the load is low"):
        callers.pace(max(1.0, stage.observer.snapshot().now.per_second / _QUIET))
        stage.prepare_mistake()
        stage.observer.count_from_now()
        stranger = stage.deployment.user("stranger")
        unsigned, signed = stage.post(None), stage.post(stranger)
        direct = _invoke_directly(stage, stranger)
        refusals = (
            ("nobody", "POST to the API, unsigned", unsigned.status),
            ("stranger", "POST to the API, signed, without the right", signed.status),
            ("stranger", "sagemaker:InvokeEndpoint, past the API", direct),
        )
        rows = [(who, what, _verdict(status)) for who, what, status in refusals]
        stage.screen.console.print(view.table(rows, ("caller", "request", "answer"), style="bold red"))
        checks.all_refused(status for _, _, status in refusals)
        fallen = stage.screen.watch(
            _traffic(stage, "a few requests a second"),
            until=_is_at_rest,
            limit=LIMIT,
            wanted="the return to two instances",
        )
        checks.all_answered(fallen)
        tracking.retarget(tracking.target)


def fail(stage: Stage, callers: Callers) -> None:
    """A canary deployment of a challenger that fails: it rolls back by itself."""
    with stage.act("A worse challenger is promoted, and rolls back by itself"):
        stage.screen.say(
            "A challenger, trained with a column that no caller sends, is to get 90 % of the traffic. Its containers "
            "are healthy. For ten minutes (five seconds here) a canary of 10 % tries it; four alarms watch."
        )
        before = stage.observer.snapshot()
        stage.observer.count_from_now()
        with stage.screen.busy("cdk synth of the worse challenger"):
            assembly = stage.mistake()
        command = stage.deploy("canary", assembly)
        scene = Scene(
            look=stage.observer.snapshot,
            panel=partial(view.deployment_panel, title=f"cdk deploy {STACK}"),
            line=view.deployment_line,
        )
        after = stage.screen.watch(
            scene, until=partial(_is_over, command, callers), limit=LIMIT, wanted="the rollback of the worse challenger"
        )
        stack = stage.observer.stack_status()
        checks.rolled_back(command=command.status, stack=stack, before=before.config, after=after.config)
        checks.only_the_canary_failed(after)
        alarms = ", ".join(checks.alarms_named(command.output))
        stage.screen.say(f"ROLLBACK by {alarms}: cdk deploy ended with {command.status}, the stack is {stack}.")
        stage.observer.count_from_now()
        calm = stage.screen.watch(
            _traffic(stage, "after the rollback"),
            until=lambda seen: seen.total.requests >= _AFTERWARDS,
            limit=LIMIT,
            wanted="traffic after the rollback",
            is_kept=False,
        )
        checks.all_answered(calm)
        stage.screen.say(
            f"{after.total.failed} of {after.total.requests} requests failed, all in the canary; "
            f"of the {calm.total.requests} since, none."
        )


def _count(resources: Mapping[str, Mapping[str, object]]) -> int:
    """How many resources CloudFormation makes of these: all but CDK's note about itself."""
    return sum(each["Type"] != "AWS::CDK::Metadata" for each in resources.values())


def _traffic(stage: Stage, pace: str) -> Scene[Snapshot]:
    return Scene(
        look=stage.observer.snapshot,
        panel=partial(view.endpoint_panel, title=f"{len(CALLERS)} callers, {pace}"),
        line=view.endpoint_line,
    )


def _is_over(command: Command, callers: Callers, seen: Snapshot) -> bool:
    """Whether the command has ended; meanwhile, all callers may call while the endpoint changes."""
    callers.pace(None if seen.pending else _TRICKLE)
    return command.status is not None


def _has_risen(seen: Snapshot) -> bool:
    return seen.variant(WATCHED).current > LEAST and seen.status == "InService"


def _has_risen_or_waited(end: float, seen: Snapshot) -> bool:
    return _has_risen(seen) or seen.second > end


def _is_at_rest(seen: Snapshot) -> bool:
    found = seen.variant(WATCHED)
    return found.current == found.desired == LEAST and seen.status == "InService"


def _verdict(status: int) -> str:
    return f"{status} {'refused' if status == checks.FORBIDDEN else 'NOT refused'}"


def _invoke_directly(stage: Stage, credentials: Credentials) -> int:
    runtime = stage.deployment.client("sagemaker-runtime", credentials)
    try:
        answer = runtime.invoke_endpoint(
            EndpointName=stage.observer.endpoint, ContentType="application/json", Body=json.dumps(BODY)
        )
    except ClientError as error:
        return int(error.response["ResponseMetadata"]["HTTPStatusCode"])
    return int(answer["ResponseMetadata"]["HTTPStatusCode"])


def _expect(answer: Answer, status: int, what: str) -> None:
    if answer.status != status:
        raise StoryError(f"{what} was answered with {answer.status} instead of {status}: {answer.body}")


def _failed(command: Command) -> StoryError:
    lines = [line for line in command.output.splitlines() if line.strip()]
    return StoryError("\n".join([f"{command.name} ended with {command.status} (log: {command.log}):", *lines[-15:]]))
