"""The served model, called through the SageMaker SDK as a data scientist would."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer  # type: ignore[import-untyped]  # ships no types

from stacks.models.train import CHALLENGER, CHAMPION, train
from tests.runtime.container import running
from tests.runtime.endpoint_server import EndpointServer

NAME = "tabular"

with warnings.catch_warnings():  # the SDK's sources contain invalid escape sequences, and its pydantic models warn
    warnings.simplefilter("ignore")
    # The SDK ships no types.
    from sagemaker.core.deserializers import CSVDeserializer, JSONDeserializer  # type: ignore[import-untyped]
    from sagemaker.core.resources import Endpoint  # type: ignore[import-untyped]
    from sagemaker.core.serializers import CSVSerializer, JSONSerializer  # type: ignore[import-untyped]
    from sagemaker.core.utils.utils import SageMakerClient  # type: ignore[import-untyped]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EndpointServer]:
    out: Path = tmp_path_factory.mktemp("models")
    train(out)
    names = (CHAMPION, CHALLENGER)
    with running(*(out / name for name in names)) as urls:
        server = EndpointServer(NAME, dict(zip(names, urls, strict=True)))
        with server.start():
            yield server


@pytest.fixture(autouse=True)
def _account(monkeypatch: pytest.MonkeyPatch, server: EndpointServer) -> Iterator[None]:
    """Fake credentials, and the endpoint's address where boto3 looks for it."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": f"http://127.0.0.1:{server.server_port}",
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    server.forget()
    SageMakerClient.reset()
    yield
    SageMakerClient().sagemaker_runtime_client.close()
    SageMakerClient.reset()


def test_a_data_scientist_gets_predictions(server: EndpointServer) -> None:
    features, labels = load_breast_cancer(return_X_y=True)
    endpoint = Endpoint(endpoint_name=NAME, serializer=JSONSerializer(), deserializer=JSONDeserializer())
    for variant in (CHAMPION, CHALLENGER):
        output = endpoint.invoke(
            {"instances": features.tolist()},
            content_type="application/json",
            accept="application/json",
            target_variant=variant,
        )
        assert output.invoked_production_variant == variant
        assert output.content_type == "application/json"
        assert np.mean((np.array(output.body["predictions"]) > 0.5) == labels) > 0.97
    assert len(server.received) == 2


def test_an_array_may_be_sent_as_csv() -> None:
    rows = load_breast_cancer().data[:3]
    endpoint = Endpoint(endpoint_name=NAME, serializer=CSVSerializer(), deserializer=CSVDeserializer())
    answer = endpoint.invoke(rows, content_type="text/csv", accept="text/csv", target_variant=CHAMPION).body
    assert [len(row) for row in answer] == [1, 1, 1]
    assert all(0 <= float(probability) < 0.5 for (probability,) in answer)


def test_what_the_model_refuses_is_a_model_error() -> None:
    endpoint = Endpoint(endpoint_name=NAME, serializer=JSONSerializer(), deserializer=JSONDeserializer())
    with pytest.raises(Exception, match="each instance must have 30 numbers") as caught:
        endpoint.invoke({"instances": [[1]]}, content_type="application/json")
    assert type(caught.value).__name__ == "ModelError"
