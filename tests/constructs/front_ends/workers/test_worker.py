from __future__ import annotations

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_logs as logs

from ml_constructs.front_ends.workers.worker import Worker
from tests.constructs.builders import number
from tests.constructs.front_ends.workers.consumers import function_of, queue


@pytest.mark.parametrize(("timeout", "read"), [(30, 15), (60, 30), (139, 69), (140, 70), (900, 70)])
def test_waits_for_the_model_at_most_half_of_its_time(timeout: int, read: int) -> None:
    worker = Worker(timeout=Duration.seconds(timeout))
    assert (worker.read_seconds(), worker.longest_seconds()) == (read, timeout)
    addresses, connect, store_and_answer = 3, 1, 4
    assert addresses * connect + read + store_and_answer < timeout


def test_defaults() -> None:
    worker = Worker()
    assert worker.limit().to_seconds() == 180
    assert worker.environment() == {"CONTENT_TYPE": "application/json", "PARALLELISM": "10"}
    assert (worker.memory_size, worker.log_retention) == (1024, logs.RetentionDays.ONE_YEAR)


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("timeout", Duration.seconds(29), r"timeout must be between 30 and 900 whole seconds, got 29"),
        ("timeout", Duration.seconds(901), r"timeout must be between 30 and 900 whole seconds, got 901"),
        ("memory_size", 127, r"memory_size must be between 128 and 32,768 MiB, got 127"),
        ("memory_size", 32_769, r"memory_size must be between 128 and 32,768 MiB, got 32769"),
        ("parallelism", 0, r"parallelism must be between 1 and 100 records, got 0"),
        ("parallelism", 101, r"parallelism must be between 1 and 100 records, got 101"),
        ("content_type", "", r"content_type must be 1 to 1,024 printable characters of ASCII, got ''"),
        ("content_type", "text/csv\n", r"content_type must be .* got"),
        ("accept", "x" * 1025, r"accept must be 1 to 1,024 printable characters"),
    ],
)
def test_refuses(argument: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Worker(**{argument: value})  # type: ignore[arg-type] # of any argument


@pytest.mark.parametrize("parallelism", [1, 100])
def test_accepts_parallelism_at_its_limits(parallelism: int) -> None:
    assert Worker(parallelism=parallelism).environment()["PARALLELISM"] == str(parallelism)


def test_numbers_may_be_tokens(stack: Stack) -> None:
    worker = Worker(
        timeout=Duration.seconds(number(stack, "Seconds")),
        memory_size=number(stack, "Memory"),
        parallelism=number(stack, "Parallelism"),
    )
    queue(stack, worker=worker)
    function = function_of(stack)
    assert (function["Timeout"], function["MemorySize"]) == ({"Ref": "Seconds"}, {"Ref": "Memory"})
    variables = function["Environment"]["Variables"]
    assert (variables["PARALLELISM"], variables["READ_TIMEOUT_SECONDS"]) == ({"Ref": "Parallelism"}, "15")


def test_the_function_has_what_the_worker_says(stack: Stack) -> None:
    worker = Worker(
        timeout=Duration.minutes(1),
        memory_size=2048,
        parallelism=20,
        content_type="text/csv",
        accept="application/jsonlines",
        log_retention=logs.RetentionDays.ONE_WEEK,
    )
    queue(stack, worker=worker)
    function = function_of(stack)
    assert (function["Timeout"], function["MemorySize"]) == (60, 2048)
    variables = function["Environment"]["Variables"]
    assert variables["READ_TIMEOUT_SECONDS"] == "30"
    assert (variables["CONTENT_TYPE"], variables["ACCEPT"]) == ("text/csv", "application/jsonlines")
