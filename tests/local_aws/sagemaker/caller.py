"""Asks a variant's instances, and says what came of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.local_aws.sagemaker.connection import Answer, NotAcceptedError, OpenAnswer
from tests.local_aws.sagemaker.containers import PRIMARY
from tests.local_aws.sagemaker.conversation import Conversation, Heard, TooLongBetweenError
from tests.local_aws.sagemaker.errors import ApiError
from tests.local_aws.sagemaker.fleet import Variant
from tests.local_aws.sagemaker.instance import Instance
from tests.local_aws.sagemaker.model_server import ModelServer
from tests.local_aws.sagemaker.requests import TARGET_MODEL
from tests.local_aws.sagemaker.traffic import Router

GONE: Final = "An error occurred while handling request as the model process exited."
_LATE: Final = (
    "Your invocation timed out while waiting for a response from container {}. Review the latency metrics for each "
    "container in Amazon CloudWatch, resolve the issue, and try again."
)
_LOADING: Final = "The target model is still being downloaded or loaded. Wait and try your request again."


@dataclass(frozen=True)
class Outcome:
    """A model's answer, or why there is none, and who was asked last."""

    answer: Answer | None
    problem: str
    instance: Instance | None
    seconds: float
    """How long the model took."""

    server: ModelServer | None = None
    """The container that was asked last."""

    heard: Sequence[Heard] = ()
    is_told: bool = False
    """Whether the problem says by itself whose it is."""

    @property
    def status(self) -> int:
        """That of the answer; 0 where there is none."""
        return 0 if self.answer is None else self.answer.status

    @property
    def is_success(self) -> bool:
        """Whether the model answered well."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """What the model, or the service in its place, says."""
        return self.problem if self.answer is None else self.answer.body.decode(errors="replace")


class Caller:
    """Only a request that nobody took goes to another instance.

    Args:
        router: Chooses the instance.
        timeout: How long a model may take to answer, in seconds.
    """

    def __init__(self, router: Router, timeout: float) -> None:
        self._router = router
        self._timeout = timeout

    async def ask(self, variant: Variant, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Ask any instance."""
        begun = time.perf_counter()
        tried: set[Instance] = set()
        while (instance := self._router.instance(variant, tried, headers.get(TARGET_MODEL))) is not None:
            outcome = await self.ask_instance(instance, headers, body, begun=begun)
            if outcome is not None:
                return outcome
            tried.add(instance)
        return Outcome(None, GONE, None, time.perf_counter() - begun)

    async def ask_instance(
        self,
        instance: Instance,
        headers: Mapping[str, str],
        body: bytes,
        *,
        begun: float | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - part of what callers ask for
    ) -> Outcome | None:
        """Ask one instance; nothing where it did not take the request."""
        started = time.perf_counter() if begun is None else begun
        talk = Conversation(instance, headers, body)
        answer, problem, is_told = None, "", False
        instance.in_flight += 1
        try:
            async with asyncio.timeout(self._timeout if timeout is None else timeout):
                answer = await talk.hold()
        except NotAcceptedError:
            return None
        except TimeoutError:
            problem = _late(talk)
        except OSError:
            problem = GONE
        except TooLongBetweenError as error:
            problem, is_told = str(error), True
        finally:
            instance.in_flight -= 1
        seconds = time.perf_counter() - started
        return Outcome(answer, problem, instance, seconds, talk.asked, talk.heard, is_told)

    async def open(self, variant: Variant, headers: Mapping[str, str], body: bytes) -> OpenedAnswer | Outcome:
        """Ask any instance for an answer that comes in pieces; the outcome where there is none."""
        begun = time.perf_counter()
        tried: set[Instance] = set()
        while (instance := self._router.instance(variant, tried)) is not None:
            talk = Conversation(instance, headers, body)
            instance.in_flight += 1
            problem, is_told = GONE, False
            try:
                async with asyncio.timeout(self._timeout):
                    answer = await talk.open()
            except NotAcceptedError:
                tried.add(instance)
                continue
            except TimeoutError:
                problem = _late(talk)
            except OSError:
                pass
            except TooLongBetweenError as error:
                problem, is_told = str(error), True
            else:
                if isinstance(answer, Answer):
                    seconds = time.perf_counter() - begun
                    return Outcome(answer, "", instance, seconds, talk.asked, talk.heard)
                instance.in_flight += 1  # until it is closed
                return OpenedAnswer(answer, instance, begun, talk)
            finally:
                instance.in_flight -= 1
            return Outcome(None, problem, instance, time.perf_counter() - begun, talk.asked, talk.heard, is_told)
        return Outcome(None, GONE, None, time.perf_counter() - begun)


def _late(talk: Conversation) -> str:
    """What is said when time is up.

    Raises:
        ApiError: ModelNotReadyException, while a model is being loaded.
    """
    if talk.is_loading:
        raise ApiError("ModelNotReadyException", _LOADING, status=429) from None
    return _LATE.format(PRIMARY if talk.asked is None else talk.asked.name)


class OpenedAnswer:
    """An answer that comes in pieces; its instance is busy until it is closed."""

    def __init__(self, answer: OpenAnswer, instance: Instance, begun: float, talk: Conversation) -> None:
        self.answer = answer
        self.instance = instance
        self._begun = begun
        self._talk = talk
        self._is_closed = False

    @property
    def seconds(self) -> float:
        """The time since the model was asked."""
        return time.perf_counter() - self._begun

    async def whole(self, timeout: float) -> Outcome:  # noqa: ASYNC109 - the model's
        """Read all of it, and close."""
        try:
            async with asyncio.timeout(timeout):
                body = b"".join([piece async for piece in self.answer.pieces()])
        except TimeoutError:
            return self._outcome(None, _late(self._talk))
        except OSError:
            return self._outcome(None, GONE)
        finally:
            self.close()
        return self._outcome(Answer(self.answer.status, self.answer.headers, body))

    def _outcome(self, answer: Answer | None, problem: str = "") -> Outcome:
        return Outcome(answer, problem, self.instance, self.seconds, self._talk.asked, self.heard)

    @property
    def heard(self) -> list[Heard]:
        """What the containers made of it up to now."""
        asked = self._talk.asked
        own = [] if asked is None else [Heard(asked.name, self.answer.status, self.seconds)]
        return [*self._talk.heard, *own]

    def close(self) -> None:
        """Close the connection; the instance has one request less."""
        if not self._is_closed:
            self._is_closed = True
            self.answer.close()
            self.instance.in_flight -= 1
