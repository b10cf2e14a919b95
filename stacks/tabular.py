"""The container of the tabular example models: XGBoost, with code that answers `{"instances": [[...]]}`."""

from __future__ import annotations

from pathlib import Path

import ml_constructs as ml


def tabular_container(model: Path | ml.ModelData) -> ml.Container:
    """A container that serves the model in a directory, or in such a directory's archive."""
    return ml.Container(
        image=ml.ContainerImage.from_framework("xgboost", version="3.0-5"),
        model_data=ml.ModelData.from_directory(model) if isinstance(model, Path) else model,
        environment={
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
            "PIP_NO_BUILD_ISOLATION": "0",  # the container installs that code, and reaches no package index
        },
    )
