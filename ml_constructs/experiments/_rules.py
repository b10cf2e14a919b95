"""What an inference experiment must not be: AWS finds out only while it starts, and then the experiment is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from ml_constructs._checks import is_token
from ml_constructs.endpoint_config._hosted_model import check_plain_model
from ml_constructs.endpoint_config.data_capture import SAMPLING_PERCENT, DataCapture
from ml_constructs.endpoint_config.instance_variant import InstanceVariant
from ml_constructs.endpoints._rules import key_on_volumes
from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.experiments.variant import ExperimentVariant
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.interfaces.shared_endpoint import ISharedEndpoint

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceExperimentSchedule.html, and for the least
# https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests-create.html
LONGEST: Final = timedelta(days=30)
SHORTEST: Final = timedelta(hours=1)

_EXCLUSIONS: Final = "https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests-exclusions.html"
_CREATE: Final = "https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests-create.html"
_INFERENTIA: Final = "ml.inf1."
_WHAT: Final = "an inference experiment"


def check_endpoint(endpoint: IEndpoint) -> None:
    """Raise `ValueError` unless AWS offers shadow tests for the endpoint, as far as it is known."""
    for what, excluded in (
        ("serverless", endpoint.serverless),
        ("asynchronous", endpoint.asynchronous),
        ("shared by inference components", isinstance(endpoint, ISharedEndpoint)),
    ):
        if excluded:
            raise ValueError(f"endpoint must not be {what} for {_WHAT} ({_EXCLUSIONS}), got one that is")
    if len(endpoint.variant_names) > 1:
        names = ", ".join(endpoint.variant_names)
        raise ValueError(f"endpoint must have one production variant for {_WHAT} ({_CREATE}), got {names}")


def production_of(endpoint: IEndpoint) -> ExperimentVariant:
    """The endpoint's variant, with the instances that it is defined with."""
    variant = endpoint.variants[0] if isinstance(endpoint, Endpoint) else None
    if not isinstance(variant, InstanceVariant) or variant.instance_type is None:
        raise ValueError("production must be given where the endpoint does not tell its instance type, got None")
    return ExperimentVariant(
        name=variant.name,
        model=variant.model,
        instance_type=variant.instance_type,
        instance_count=variant.instance_count,
    )


def check_pair(endpoint: IEndpoint, production: ExperimentVariant, challenger: ExperimentVariant) -> None:
    """Raise `ValueError` unless the challenger can shadow the production variant on the endpoint; tokens pass."""
    for argument, variant, known in (
        ("production", production, endpoint.variant_names[0] if endpoint.variant_names else None),
        ("challenger", challenger, endpoint.shadow_name),
    ):
        if known is not None and not is_token(known) and not is_token(variant.name) and variant.name != known:
            raise ValueError(f"{argument} must be the variant that the endpoint has, {known!r}, got {variant.name!r}")
        check_plain_model(f"model of {argument}", _WHAT, variant.model, _EXCLUSIONS)
        if not is_token(variant.instance_type) and variant.instance_type.startswith(_INFERENTIA):
            raise ValueError(
                f"instance_type of {argument} must not be Inf1 for {_WHAT} ({_EXCLUSIONS}), "
                f"got {variant.instance_type!r}"
            )
    if not is_token(challenger.name) and challenger.name == production.name:
        raise ValueError(f"challenger must have another name than production, got {challenger.name!r} for both")


def check_capture(capture: DataCapture | None) -> None:
    """Raise `ValueError` unless an experiment can keep what the capture says: both, of every request, in a bucket."""
    if capture is None:
        return
    if capture.bucket is None:
        raise ValueError("capture must name its bucket for an inference experiment, got None")
    if not capture.requests or not capture.responses:
        raise ValueError("capture must keep requests and responses in an inference experiment, got one of them")
    share = capture.sampling_percentage
    if is_token(share) or share != SAMPLING_PERCENT[1]:
        raise ValueError(f"capture must keep 100 percent in an inference experiment, got {share}")


def check_period(starts: datetime | str | None, ends: datetime | str | None) -> tuple[str | None, str | None] | None:
    """The times as CloudFormation takes them; None where SageMaker shall choose both.

    Raises:
        ValueError: a time has no time zone, or there is too little or too much between them; tokens pass.
    """
    first, last = _time("starts", starts), _time("ends", ends)
    if isinstance(first, datetime) and isinstance(last, datetime) and not SHORTEST <= last - first <= LONGEST:
        raise ValueError(f"ends must be between 1 hour and 30 days after starts, got {last - first}")
    if starts is None and ends is None:
        return None
    return _text(first), _text(last)


def encrypts_volumes(production: ExperimentVariant, challenger: ExperimentVariant, wanted: bool | None) -> bool:  # noqa: FBT001
    """Whether the experiment names the key; AWS refuses it if one instance type alone has local storage."""
    variants = [
        InstanceVariant(name=each.name, model=each.model, instance_type=each.instance_type)
        for each in (production, challenger)
    ]
    return key_on_volumes(variants, wanted)


def _time(argument: str, value: datetime | str | None) -> datetime | str | None:
    if value is None or (isinstance(value, str) and is_token(value)):
        return value
    if not isinstance(value, datetime):
        raise TypeError(f"{argument} must be a datetime with a time zone, got {value!r}")
    if value.tzinfo is None or value.utcoffset() is None:
        raise ValueError(f"{argument} must have a time zone, since a build has none that lasts, got {value!r}")
    return value.astimezone(UTC)


def _text(value: datetime | str | None) -> str | None:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value
