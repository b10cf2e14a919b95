from __future__ import annotations

import base64
import json
import math
import subprocess
import sys
import types
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer  # type: ignore[import-untyped]  # ships no types

from stacks.models import train as training
from stacks.models.train import CHALLENGER, CHAMPION, DOG_BREEDS, MODEL_FILE
from tests.runtime.container import BaseInferenceToolkitError, load_hooks

ROW = [float(number) for number in range(30)]


def contents(directory: Path) -> dict[str, bytes]:
    files = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


@pytest.fixture(scope="session")
def tabular(models: Path) -> types.ModuleType:
    return load_hooks(models / CHAMPION)


def test_two_trainings_write_the_same_bytes(models: Path, tmp_path: Path) -> None:
    (tmp_path / CHAMPION / "code").mkdir(parents=True)
    (tmp_path / CHAMPION / "code" / "stale.py").write_text("left over")
    command = [sys.executable, "-m", "stacks.models.train", "--out", str(tmp_path)]
    environment = {"PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "2"}
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=True)
    assert contents(tmp_path) == contents(models)
    assert set(contents(models)) == {
        f"{n}/{f}" for n in (CHAMPION, CHALLENGER) for f in (MODEL_FILE, "code/inference.py")
    }
    assert "area under the curve 0.98" in done.stdout


def test_the_models_are_good_and_differ(tabular: types.ModuleType, models: Path) -> None:
    features, labels = load_breast_cancer(return_X_y=True)
    rows = tabular.input_fn(json.dumps({"instances": features.tolist()}), "application/json")
    champion = tabular.predict_fn(rows, tabular.model_fn(str(models / CHAMPION)))
    challenger = tabular.predict_fn(rows, tabular.model_fn(str(models / CHALLENGER)))
    for probabilities in (champion, challenger):
        assert np.mean((probabilities > 0.5) == labels) > 0.97
    assert not np.allclose(champion, challenger)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (json.dumps({"instances": [[1, None, 2.5]]}), "application/json"),
        (json.dumps({"instances": [[1, None, 2.5]]}).encode(), "Application/JSON; charset=utf-8"),
        ("1,,2.5", "text/csv"),
        (b"1, ,2.5\r\n\r\n", "text/csv; header=absent"),
    ],
)
def test_both_formats_mean_the_same(tabular: types.ModuleType, body: str | bytes, content_type: str) -> None:
    (row,) = tabular.input_fn(body, content_type).tolist()
    assert row[0] == 1
    assert math.isnan(row[1])
    assert row[2] == 2.5


@pytest.mark.parametrize(
    ("body", "content_type", "status", "message"),
    [
        ("", "application/json", 400, "not valid application/json"),
        (b"\xff", "application/json", 400, "not valid application/json"),
        ("[" * 100_000, "application/json", 400, "not valid application/json"),
        ('{"instances": [[NaN]]}', "application/json", 400, "not valid application/json"),
        ("[[1]]", "application/json", 400, "the body must be"),
        ('{"rows": [[1]]}', "application/json", 400, "the body must be"),
        ('{"instances": [1]}', "application/json", 400, "the body must be"),
        ('{"instances": []}', "application/json", 400, "at least one instance"),
        ('{"instances": [[1], [1, 2]]}', "application/json", 400, "same number of values"),
        ('{"instances": [["1"]]}', "application/json", 400, "numbers and null only"),
        ('{"instances": [[true]]}', "application/json", 400, "numbers and null only"),
        ('{"instances": [[1e39]]}', "application/json", 400, "numbers must be finite"),
        ('{"instances": [[1e999]]}', "application/json", 400, "numbers must be finite"),
        ('{"instances": [[1' + "0" * 400 + "]]}", "application/json", 400, "numbers must be finite"),
        ("1,nan", "text/csv", 400, "numbers must be finite"),
        ("1,inf", "text/csv", 400, "numbers must be finite"),
        ("a,b\n1,2", "text/csv", 400, "not valid text/csv"),
        ("1,2\n3", "text/csv", 400, "same number of values"),
        ("\n", "text/csv", 400, "at least one instance"),
        ("{}", "application/xml", 415, "content type must be"),
        ("{}", "", 415, "content type must be"),
    ],
)
def test_bad_input_is_refused_with_4xx(
    tabular: types.ModuleType, body: str | bytes, content_type: str, status: int, message: str
) -> None:
    with pytest.raises(BaseInferenceToolkitError) as caught:
        tabular.input_fn(body, content_type)
    assert caught.value.status_code == status
    assert message in caught.value.message


@pytest.mark.parametrize("width", [0, 29, 31])
def test_the_number_of_features_is_checked(tabular: types.ModuleType, models: Path, width: int) -> None:
    rows = tabular.input_fn(json.dumps({"instances": [[1] * width]}), "application/json")
    with pytest.raises(BaseInferenceToolkitError) as caught:
        tabular.predict_fn(rows, tabular.model_fn(str(models / CHAMPION)))
    assert caught.value.status_code == 400
    assert caught.value.message == f"each instance must have 30 numbers, got {width}"


def test_an_answer_nobody_accepts_is_refused(tabular: types.ModuleType) -> None:
    with pytest.raises(BaseInferenceToolkitError) as caught:
        tabular.output_fn(np.array([0.5]), "image/png")
    assert caught.value.status_code == 406


@dataclass
class Picture:
    """Stands in for Pillow's image."""

    width: int
    height: int

    def convert(self, mode: str) -> Picture:
        assert mode == "RGB"
        return self


class Tensor(list[float]):
    """Stands in for torch's tensor."""

    def unsqueeze(self, dim: int) -> Tensor:
        assert dim == 0
        return self

    def to(self, device: str) -> Tensor:
        assert device == "cpu"
        return self


class Network:
    """Stands in for torchvision's ResNet-50."""

    def __init__(self) -> None:
        self.fc: Any = types.SimpleNamespace(in_features=2048)

    def load_state_dict(self, state: object) -> None:
        assert state == "the weights"

    def to(self, device: str) -> Network:
        assert device == "cpu"
        return self

    def eval(self) -> Network:
        return self

    def __call__(self, batch: Tensor) -> Tensor:
        assert batch == [1.0]
        return Tensor([0.0] * int(self.fc[1]))


@pytest.fixture
def dog_breeds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> types.ModuleType:
    """The program of the dog breed model, on stand-ins for what only its container has."""

    def load(path: Path, *, map_location: str, weights_only: bool) -> str:
        assert weights_only
        assert map_location == "cpu"
        return path.read_text()

    def open_picture(stream: Any, formats: tuple[str, ...]) -> Picture:  # noqa: ANN401 - as loose as Pillow
        assert formats == ("JPEG", "PNG")
        width, height = stream.read().decode().split("x")
        if width == "bomb":
            raise ArithmeticError
        return Picture(int(width), int(height))

    torch = types.ModuleType("torch")
    vars(torch).update(
        device=str,
        cuda=types.SimpleNamespace(is_available=lambda: False),
        nn=types.SimpleNamespace(Linear=lambda inputs, outputs: (inputs, outputs)),
        load=load,
        inference_mode=nullcontext,
        softmax=lambda logits, dim: [types.SimpleNamespace(tolist=lambda: [dim / len(logits)] * len(logits))],
    )
    torchvision = types.ModuleType("torchvision")
    transforms = types.SimpleNamespace(
        Compose=lambda steps: lambda _: Tensor([len(steps) / 4]),
        Resize=lambda _: None,
        CenterCrop=lambda _: None,
        ToTensor=lambda: None,
        Normalize=lambda mean, std: (mean, std),
    )
    networks = types.SimpleNamespace(resnet50=lambda weights: weights or Network())
    vars(torchvision).update(models=networks, transforms=transforms)
    pillow = types.ModuleType("PIL")
    vars(pillow).update(Image=types.SimpleNamespace(open=open_picture, DecompressionBombError=ArithmeticError))
    for module in (torch, torchvision, pillow):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    weights = tmp_path / "weights"
    weights.write_text("the weights")
    return load_hooks(training.pack_dog_breeds(weights, tmp_path))


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"300x200", "image/jpeg"),
        (b"300x200", "image/png"),
        (json.dumps({"image": base64.b64encode(b"300x200").decode()}), "application/json"),
    ],
)
def test_a_picture_has_a_probability_for_each_breed(
    dog_breeds: types.ModuleType, tmp_path: Path, body: str | bytes, content_type: str
) -> None:
    network = dog_breeds.model_fn(str(tmp_path / DOG_BREEDS))
    prediction = dog_breeds.predict_fn(dog_breeds.input_fn(body, content_type), network)
    text, media_type = dog_breeds.output_fn(prediction, "*/*")
    probabilities = json.loads(text)
    assert media_type == "application/json"
    assert len(probabilities) == 133
    assert math.isclose(sum(probabilities), 1)


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"not a picture", "image/jpeg", 400),
        (b"10000x5001", "image/jpeg", 413),
        (b"bombx1", "image/png", 413),
        ('{"url": "https://example.com/dog.jpg"}', "application/json", 400),
        ('{"image": "?"}', "application/json", 400),
        ('{"image": 1}', "application/json", 400),
        ("[]", "application/json", 400),
        (b"300x200", "image/gif", 415),
    ],
)
def test_what_is_no_picture_is_refused(
    dog_breeds: types.ModuleType, body: str | bytes, content_type: str, status: int
) -> None:
    with pytest.raises(BaseInferenceToolkitError) as caught:
        dog_breeds.input_fn(body, content_type)
    assert caught.value.status_code == status


def test_probabilities_are_json_only(dog_breeds: types.ModuleType) -> None:
    with pytest.raises(BaseInferenceToolkitError) as caught:
        dog_breeds.output_fn([0.5], "text/csv")
    assert caught.value.status_code == 406


def test_the_dog_breeds_are_packed_on_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(training, "train", lambda _: {})
    (tmp_path / "model.pth").write_bytes(b"weights")
    assert training.main(["--out", str(tmp_path / "out"), "--dog-breeds-weights", str(tmp_path / "model.pth")]) == 0
    assert set(contents(tmp_path / "out")) == {"dog-breeds/model.pth", "dog-breeds/code/inference.py"}
    assert "dog-breeds" in capsys.readouterr().out
