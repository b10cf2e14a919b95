# ruff: noqa: INP001 - the serving container imports this file alone, from /opt/ml/model/code
"""Serves a ResNet-50 dog breed classifier in the AWS PyTorch container.

Accepts a picture as image/jpeg or image/png, or as application/json `{"image": "<base64>"}`; never fetches a URL.
Answers the probabilities of the 133 breeds as a JSON array.

Beside this file's folder lies `model.pth`: the `state_dict` of the network that `build` returns.
"""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any, NoReturn

# The container has these; the library and its tests do not.
import torch  # type: ignore[import-not-found]
from PIL import Image  # type: ignore[import-not-found]
from sagemaker_inference.errors import BaseInferenceToolkitError  # type: ignore[import-not-found]
from torchvision import models, transforms  # type: ignore[import-not-found]

BREEDS = 133
LARGEST_PICTURE = 50_000_000  # pixels; a small file can decompress into gigabytes
JSON = "application/json"
PICTURES = ("image/jpeg", "image/png")

_DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
# The transformation that ImageNet's ResNet was trained with.
_TRANSFORM = transforms.Compose(
    [
        transforms.Resize(256),
        transforms.CenterCrop(224),
        transforms.ToTensor(),
        transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]),
    ]
)


def build() -> Any:  # noqa: ANN401 - a torch module
    """A ResNet-50 whose last layer tells 133 breeds apart."""
    network = models.resnet50(weights=None)
    network.fc = torch.nn.Linear(network.fc.in_features, BREEDS)
    return network


def model_fn(model_dir: str) -> Any:  # noqa: ANN401 - a torch module
    """Load the weights, and nothing that could execute code."""
    network = build()
    network.load_state_dict(torch.load(Path(model_dir) / "model.pth", map_location=_DEVICE, weights_only=True))
    return network.to(_DEVICE).eval()


def input_fn(body: str | bytes, content_type: str) -> Any:  # noqa: ANN401 - a torch tensor
    """Decode the picture into a batch of one."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == JSON:
        body = _picture(body)
    elif media_type not in PICTURES:
        _refuse(415, f"content type must be {', '.join(PICTURES)} or {JSON}")
    try:
        picture = Image.open(io.BytesIO(body if isinstance(body, bytes) else body.encode()), formats=("JPEG", "PNG"))
        if picture.width * picture.height > LARGEST_PICTURE:
            _refuse_size()
        picture = picture.convert("RGB")
    except Image.DecompressionBombError:
        _refuse_size()
    except (OSError, ValueError, SyntaxError):  # what Pillow raises on broken pictures
        _refuse(400, "the body is not a JPEG or PNG picture")
    return _TRANSFORM(picture).unsqueeze(0)


def predict_fn(batch: Any, network: Any) -> list[float]:  # noqa: ANN401 - torch objects
    """The probability of each breed."""
    with torch.inference_mode():
        logits = network(batch.to(_DEVICE))
    probabilities: list[float] = torch.softmax(logits, dim=1)[0].tolist()
    return probabilities


def output_fn(probabilities: list[float], accept: str) -> tuple[str, str]:
    """Render the array as JSON."""
    choices = {choice.partition(";")[0].strip().lower() for choice in accept.split(",")}
    if not choices & {JSON, "application/*", "*/*"}:
        _refuse(406, f"accept must allow {JSON}")
    return json.dumps(probabilities), JSON


def _picture(body: str | bytes) -> bytes:
    try:
        return base64.b64decode(json.loads(body)["image"], validate=True)
    except (ValueError, KeyError, TypeError):
        _refuse(400, 'the body must be {"image": "<base64>"}')


def _refuse_size() -> NoReturn:
    _refuse(413, f"the picture may have at most {LARGEST_PICTURE:,} pixels")


def _refuse(status: int, message: str) -> NoReturn:
    """Answer 4xx: the container turns any other exception into 500."""
    raise BaseInferenceToolkitError(status, message, message)
