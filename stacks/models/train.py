"""Trains the example models: `python -m stacks.models.train --out build/models`.

Two XGBoost classifiers, champion and challenger, on scikit-learn's bundled breast cancer data. The same inputs give the
same bytes, so an unchanged model does not replace a deployed one. A directory with the dog breed classifier is written
as well if its weights are given, because training it needs PyTorch and a GPU.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import xgboost

# scikit-learn ships no types.
from sklearn.datasets import load_breast_cancer  # type: ignore[import-untyped]
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]
from sklearn.model_selection import train_test_split  # type: ignore[import-untyped]

CHAMPION: Final = "tabular-champion"
CHALLENGER: Final = "tabular-challenger"
DOG_BREEDS: Final = "dog-breeds"
MODEL_FILE: Final = "xgboost-model"  # the name that the XGBoost container looks for
_SOURCES: Final = Path(__file__).parent
_SEED: Final = 20
# One thread: sums of floats then always have the same order.
_COMMON: Final = {"objective": "binary:logistic", "tree_method": "hist", "nthread": 1, "seed": _SEED}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a classifier is trained."""

    name: str
    rounds: int
    max_depth: int
    eta: float


RECIPES: Final = (
    Recipe(name=CHAMPION, rounds=60, max_depth=3, eta=0.2),
    Recipe(name=CHALLENGER, rounds=40, max_depth=5, eta=0.1),
)


def train(out: Path) -> dict[str, float]:
    """Write one directory per classifier, ready for `ModelData.from_directory`.

    Returns:
        The area under the ROC curve on held-out data, by model name.
    """
    features, labels = load_breast_cancer(return_X_y=True)
    learn_x, test_x, learn_y, test_y = train_test_split(features, labels, random_state=_SEED, stratify=labels)
    learn, test = xgboost.DMatrix(learn_x, learn_y, nthread=1), xgboost.DMatrix(test_x, nthread=1)
    scores: dict[str, float] = {}
    for recipe in RECIPES:
        parameters = {**_COMMON, "max_depth": recipe.max_depth, "eta": recipe.eta}
        booster = xgboost.train(parameters, learn, num_boost_round=recipe.rounds)
        directory = _with_code(out / recipe.name, "tabular")
        (directory / MODEL_FILE).write_bytes(booster.save_raw("ubj"))
        scores[recipe.name] = float(roc_auc_score(test_y, booster.predict(test)))
    return scores


def pack_dog_breeds(weights: Path, out: Path) -> Path:
    """Write the directory of the dog breed classifier around weights that were trained elsewhere."""
    directory = _with_code(out / DOG_BREEDS, "dog_breeds")
    shutil.copyfile(weights, directory / "model.pth")
    return directory


def _with_code(directory: Path, source: str) -> Path:
    if directory.exists():
        shutil.rmtree(directory)  # a file of an earlier run would end up in the archive
    (directory / "code").mkdir(parents=True)
    shutil.copyfile(_SOURCES / source / "code" / "inference.py", directory / "code" / "inference.py")
    return directory


def main(arguments: list[str] | None = None) -> int:
    """Train, write, and print the scores."""
    parser = argparse.ArgumentParser(prog="python -m stacks.models.train", description="Train the example models.")
    parser.add_argument("--out", type=Path, default=Path("build/models"), help="parent of the model directories")
    parser.add_argument("--dog-breeds-weights", type=Path, help="a trained model.pth (default: no dog breed model)")
    options = parser.parse_args(arguments)
    for name, score in train(options.out).items():
        sys.stdout.write(f"{options.out / name}  area under the curve {score:.4f}\n")
    if options.dog_breeds_weights is not None:
        sys.stdout.write(f"{pack_dog_breeds(options.dog_breeds_weights, options.out)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
