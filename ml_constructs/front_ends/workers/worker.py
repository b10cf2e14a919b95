"""How a function processes a batch of records: for how long, how many at once, and as what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration, Token
from aws_cdk import aws_logs as logs

from ml_constructs._checks import check_given, check_seconds, check_type, check_whole, is_token
from ml_constructs.front_ends._media_type import check_media_types
from ml_constructs.front_ends.functions._function import LONGEST_READ_SECONDS, MEMORY_MIB

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html; below, no call and its result would fit
TIMEOUT_SECONDS: Final = (30, 900)
# Threads, and connections, of one execution environment.
PARALLELISM: Final = (1, 100)

_TIMEOUT_SECONDS: Final = 180


@dataclass(frozen=True, kw_only=True)
class Worker:
    """How the function of a `QueueFrontEnd` or `StreamFrontEnd` processes a batch.

    Args:
        timeout: How long a batch may take, 30 to 900 whole seconds. The function waits half of that, and at most 70
            seconds, for the model; it starts no call that might not end in time. Default: 3 minutes.
        memory_size: Memory in MiB, 128 to 32,768 as far as the account's quota allows; CPU grows with it.
            Default: 1,024, which holds a batch of 6 MB, its answers, and ten copies of the largest.
        parallelism: How many records of a batch are sent to the endpoint at once, 1 to 100. Default: 10.
        content_type: The content type of every record. A message of a queue may name another in its attribute
            `Content-Type`. Default: application/json.
        accept: The content type that the model shall answer with. Default: the model decides.
        log_retention: How long logs are kept. Default: one year.

    Raises:
        ValueError: an argument is out of its range.
    """

    timeout: Duration | None = None
    memory_size: int = 1024
    parallelism: int = 10
    content_type: str = "application/json"
    accept: str | None = None
    log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR

    def __post_init__(self) -> None:
        check_given(memory_size=self.memory_size, parallelism=self.parallelism, content_type=self.content_type)
        check_type(logs.RetentionDays, log_retention=self.log_retention)
        check_seconds("timeout", self.timeout, *TIMEOUT_SECONDS)
        check_whole("memory_size", self.memory_size, *MEMORY_MIB, "MiB")
        check_whole("parallelism", self.parallelism, *PARALLELISM, "records")
        check_media_types(content_type=self.content_type, accept=self.accept)

    def limit(self) -> Duration:
        """The timeout of the function."""
        return Duration.seconds(_TIMEOUT_SECONDS) if self.timeout is None else self.timeout

    def longest_seconds(self) -> int:
        """The timeout, or the longest that a token may stand for."""
        limit = self.limit()
        return TIMEOUT_SECONDS[1] if is_token(limit) else int(limit.to_seconds())

    def read_seconds(self) -> int:
        """How long to wait for the model: short enough for two calls after each other."""
        limit = self.limit()
        shortest = TIMEOUT_SECONDS[0] if is_token(limit) else int(limit.to_seconds())
        return min(shortest // 2, LONGEST_READ_SECONDS)

    def environment(self) -> dict[str, str]:
        """The variables of the function that are about records."""
        return {
            "CONTENT_TYPE": self.content_type,
            **({} if self.accept is None else {"ACCEPT": self.accept}),
            "PARALLELISM": as_text(self.parallelism),
        }


def as_text(number: int) -> str:
    """A number, or a token of one, as the value of a variable."""
    return Token.as_string(number) if is_token(number) else str(number)
