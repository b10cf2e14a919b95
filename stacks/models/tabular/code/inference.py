# ruff: noqa: INP001 - the serving container imports this file alone, from /opt/ml/model/code
"""Serves an XGBoost classifier in the AWS XGBoost container's script mode.

Accepts `{"instances": [[...], ...]}` as application/json, or one row per line as text/csv; a missing value is null, or
an empty field. Answers `{"predictions": [probability, ...]}`, or one probability per line as text/csv.

Hooks: https://github.com/aws/sagemaker-inference-toolkit#implement-a-handler-service
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import NoReturn

import numpy as np
import xgboost
from sagemaker_inference.errors import (  # type: ignore[import-not-found]  # exists only in the container
    BaseInferenceToolkitError,
)

JSON = "application/json"
CSV = "text/csv"


def model_fn(model_dir: str) -> xgboost.Booster:
    """Load the model; the container runs one process per CPU, so each uses one thread."""
    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(Path(model_dir) / "xgboost-model")
    return booster


def input_fn(body: str | bytes, content_type: str) -> np.ndarray:
    """Parse the request into one row per instance."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in {JSON, CSV}:
        _refuse(415, f"content type must be {JSON} or {CSV}")
    try:
        text = body if isinstance(body, str) else body.decode()
        rows = _json_rows(text) if media_type == JSON else _csv_rows(text)
    except (ValueError, RecursionError):
        _refuse(400, f"the body is not valid {media_type}")
    if not rows:
        _refuse(400, "at least one instance is needed")
    return np.array(rows, dtype=np.float32) if len({len(row) for row in rows}) == 1 else _ragged()


def predict_fn(rows: np.ndarray, booster: xgboost.Booster) -> np.ndarray:
    """The probability of the positive class, for each row."""
    features = booster.num_features()
    if rows.shape[1] != features:
        _refuse(400, f"each instance must have {features} numbers, got {rows.shape[1]}")
    probabilities: np.ndarray = booster.inplace_predict(rows, missing=math.nan)
    return probabilities


def output_fn(probabilities: np.ndarray, accept: str) -> tuple[str, str]:
    """Render the answer in the first form that the caller accepts and this code knows."""
    values = [float(value) for value in probabilities]
    for choice in accept.split(","):
        media_type = choice.partition(";")[0].strip().lower()
        if media_type in {JSON, "*/*", "application/*"}:
            return json.dumps({"predictions": values}), JSON
        if media_type in {CSV, "text/*"}:
            return "".join(f"{value}\n" for value in values), CSV
    return _refuse(406, f"accept must allow {JSON} or {CSV}")


def _json_rows(text: str) -> list[list[float]]:
    document = json.loads(text, parse_constant=_reject)
    instances = document.get("instances") if isinstance(document, dict) else None
    if not isinstance(instances, list) or not all(isinstance(row, list) for row in instances):
        _refuse(400, 'the body must be {"instances": [[number, ...], ...]}')
    return [[_number(value) for value in row] for row in instances]


def _csv_rows(text: str) -> list[list[float]]:
    return [
        [_finite(field) if field.strip() else math.nan for field in line.split(",")]
        for line in text.splitlines()
        if line.strip()
    ]


def _number(value: object) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        _refuse(400, "an instance may hold numbers and null only")
    return _finite(value)


def _finite(value: float | str) -> float:
    try:
        number = float(value)
    except OverflowError:  # an integer beyond any float
        number = math.inf
    if not abs(number) <= float(np.finfo(np.float32).max):  # also refuses nan
        _refuse(400, "numbers must be finite")
    return number


def _reject(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _ragged() -> NoReturn:
    _refuse(400, "all instances must have the same number of values")


def _refuse(status: int, message: str) -> NoReturn:
    """Answer 4xx: the container turns any other exception into 500."""
    raise BaseInferenceToolkitError(status, message, message)
