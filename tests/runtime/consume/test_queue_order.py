from __future__ import annotations

import threading

from tests.runtime.consume.conftest import Create, answering, cause, message
from tests.runtime.consume.services import QUEUE, Services
from tests.runtime.endpoint_server import EndpointServer, Received, Response, error, model_error

THROTTLED = error("ThrottlingException", 400)
REJECTED = model_error(400, "expected 30 numbers")
BUCKET = {"RESULTS_BUCKET": "results", "RESULTS_PREFIX": "out/"}


def test_messages_of_a_group_keep_their_order(queue: Create, server: EndpointServer) -> None:
    function = queue(**BUCKET, FIFO="true")
    messages = [message(f"{group}{n}", f'"{group}{n}"', group=group) for n in range(5) for group in "abc"]
    assert function.handle(*messages) == []
    for group in "abc":
        bodies = [received.body.decode() for received in server.received if received.body[1:2] == group.encode()]
        assert bodies == [f'"{group}{n}"' for n in range(5)]


def test_groups_run_beside_each_other(queue: Create, server: EndpointServer) -> None:
    together = threading.Barrier(3)

    def meet(received: Received) -> Response:
        together.wait(10)
        return Response(200, received.body, {})

    with answering(server, meet):
        assert queue(FIFO="true").handle(*[message(group, group=group) for group in "abc"]) == []


def test_a_group_stops_at_its_first_failure(queue: Create, server: EndpointServer, services: Services) -> None:
    function = queue(**BUCKET, FIFO="true", PARALLELISM="1")
    server.faults.append(THROTTLED)
    failed = function.handle(*[message(f"a{n}", group="a") for n in range(3)], message("b0", group="b"))
    assert sorted(failed) == ["a0", "a1", "a2"]
    assert list(services.objects) == ["results/out/b0"]
    assert len(server.received) == 2
    assert len(set(services.delays.values())) == 1, "the group waits as one"


def test_a_group_goes_on_behind_a_dead_letter(queue: Create, server: EndpointServer, services: Services) -> None:
    fifo = f"{QUEUE}.fifo"
    function = queue(**BUCKET, FIFO="true", DEAD_LETTER_QUEUE_URL=fifo)
    server.faults.append(REJECTED)
    assert function.handle(*[message(f"a{n}", group="a") for n in range(3)]) == []
    assert sorted(services.objects) == ["results/out/a1", "results/out/a2"]
    assert services.letters[0]["MessageGroupId"] == "a"
    assert services.letters[0]["MessageDeduplicationId"] == "a0"


def test_who_waited_for_its_turn_until_the_last_receive_has_more_than_one_attempt(
    queue: Create, server: EndpointServer, services: Services
) -> None:
    function = queue(**BUCKET, FIFO="true")
    server.faults.extend([THROTTLED] * 5)
    assert function.handle(message("a0", group="a", receives=3), message("a1", group="a", receives=3)) == []
    assert [cause(letter) for letter in services.letters] == ["throttled"]
    assert list(services.objects) == ["results/out/a1"]
    assert len(server.received) == 6
