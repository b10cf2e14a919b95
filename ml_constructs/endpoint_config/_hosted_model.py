"""What of a model decides where AWS can host it; nothing is known of a model that another stack or account made."""

from __future__ import annotations

from ml_constructs.models.model import IModel, Model


def check_plain_model(argument: str, what: str, model: IModel, source: str) -> None:
    """Raise `ValueError` unless a model is one container of one model, and no product of AWS Marketplace."""
    if not isinstance(model, Model):
        return
    if len(model.containers) > 1:
        raise ValueError(
            f"{argument} must have one container for {what} ({source}), got {len(model.containers)} containers"
        )
    if model.multi_model:
        raise ValueError(f"{argument} must serve one model for {what} ({source}), got MultiModelData")
    if model.marketplace:
        raise ValueError(f"{argument} must not be of AWS Marketplace for {what} ({source}), got a product")
