"""Inference experiments: a challenger is sent copies of live requests for a time, and then promoted or removed.

https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests.html
"""

from __future__ import annotations

from datetime import datetime
from types import NoneType
from typing import Final, cast

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct, IDependable

from ml_constructs._checks import (
    check_choice,
    check_given,
    check_offers,
    check_pattern,
    check_type,
    check_whole,
    is_token,
)
from ml_constructs._environment import check_account, check_region
from ml_constructs.endpoint_config.data_capture import DataCapture
from ml_constructs.endpoints._permissions import write_captured
from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.experiments._name import EXPERIMENT_NAME, EXPERIMENT_NAME_RULE, experiment_name_of
from ml_constructs.experiments._role import challenger_permissions, experiment_permissions, experiment_role
from ml_constructs.experiments._rules import (
    check_capture,
    check_endpoint,
    check_pair,
    check_period,
    encrypts_volumes,
    production_of,
)
from ml_constructs.experiments.variant import ExperimentVariant
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.models._execution_role import allow_given
from ml_constructs.permissions import allow_exactly

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateInferenceExperiment.html
SAMPLING_PERCENT: Final = (0, 100)
MAX_DESCRIPTION: Final = 1024
CONCLUSIONS: Final = ("keep-production", "promote-challenger", "keep-both", "cancel")


class InferenceExperiment(Construct):
    """Sends copies of an endpoint's requests to a challenger for a time, at most 30 days; callers see no answer of it.

    SageMaker changes the configuration of the endpoint for the time, and back at the end: deploy no other change of the
    endpoint meanwhile, and scale no variant. It starts with the number of instances said here, whatever the endpoint
    has scaled to.

    While it runs, CloudFormation changes its description, its end and its sampling in place. It ignores any other
    change then, and every change once it is over; so the name follows the challenger and the capture, and what changes
    these is another experiment. An endpoint takes one at a time: conclude the one that runs first.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        endpoint: An endpoint with one variant on instances; neither serverless, asynchronous nor shared.
        challenger: The variant that is tried.
        production: The variant that answers. Default: the endpoint's, with the instances that it is defined with; an
            imported endpoint's must be given.
        sampling_percentage: The share of the requests that the challenger is sent, 0 to 100 percent. Default: 100.
        starts: When, with a time zone. Default: at once.
        ends: When, with a time zone, 1 hour to 30 days after `starts`. Default: after 7 days.
        conclusion: Deployed while it runs, ends it early: `keep-production` and `cancel` remove the challenger,
            `promote-challenger` puts it in the place of the production variant, `keep-both` leaves it as shadow
            variant. A new experiment must not have one. Default: it ends by itself, and production stays.
        reason: Why it was concluded, at most 1,024 characters. Default: none.
        capture: Where all requests and answers of both are kept, with its bucket. Default: nowhere.
        encryption_key: Encrypts the volumes of the instances. Default: the endpoint's key, unless all instance types
            have local storage, for which AWS forbids it.
        encrypt_volumes: Whether the volumes are encrypted with the key. Default: True, unless all have local storage.
        role: The role that SageMaker assumes to change the endpoint. Default: a new role, which may change no other.
        description: At most 1,024 characters. Default: none.
        experiment_name: At most 120 letters, digits and inner hyphens. Default: derived from the construct's path, the
            challenger and the capture.

    Raises:
        ValueError: an argument is out of its range, or AWS does not offer shadow tests for the endpoint or a model.

    See https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateInferenceExperiment.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: IEndpoint,
        challenger: ExperimentVariant,
        production: ExperimentVariant | None = None,
        sampling_percentage: int = 100,
        starts: datetime | str | None = None,
        ends: datetime | str | None = None,
        conclusion: str | None = None,
        reason: str | None = None,
        capture: DataCapture | None = None,
        encryption_key: kms.IKey | None = None,
        encrypt_volumes: bool | None = None,
        role: iam.IRole | None = None,
        description: str | None = None,
        experiment_name: str | None = None,
    ) -> None:
        check_type(IEndpoint, endpoint=endpoint)
        check_type(ExperimentVariant, challenger=challenger)
        check_type((ExperimentVariant, NoneType), production=production)
        check_type((DataCapture, NoneType), capture=capture)
        check_type((bool, NoneType), encrypt_volumes=encrypt_volumes)
        check_type((str, NoneType), experiment_name=experiment_name, conclusion=conclusion)
        check_offers("key_arn", "a KMS key", encryption_key=encryption_key)
        check_offers("role_arn", "a role", role=role)
        check_given(sampling_percentage=sampling_percentage)
        check_whole("sampling_percentage", sampling_percentage, *SAMPLING_PERCENT, "percent")
        check_choice("conclusion", conclusion, CONCLUSIONS)
        check_pattern("experiment_name", experiment_name, EXPERIMENT_NAME, EXPERIMENT_NAME_RULE)
        for argument, text in (("description", description), ("reason", reason)):
            _check_text(argument, text)
        if reason is not None and conclusion is None:
            raise ValueError(f"reason must not be given without conclusion, got {reason!r}")
        check_account(scope, endpoint=cast("Construct", endpoint))
        check_region(scope, encryption_key=encryption_key)
        check_endpoint(endpoint)
        champion = production_of(endpoint) if production is None else production
        check_pair(endpoint, champion, challenger)
        check_capture(capture)
        period = check_period(starts, ends)
        own = endpoint.encryption_key if isinstance(endpoint, Endpoint) else None
        key = own if encryption_key is None else encryption_key
        volumes = encrypts_volumes(champion, challenger, encrypt_volumes)
        if encrypt_volumes and key is None:
            raise ValueError("encrypt_volumes must not be True without a key, of the endpoint or given, got no key")
        for variant in (champion, challenger):
            if isinstance(variant.model, Construct):
                check_account(scope, **{f"model of variant {variant.name}": variant.model})
        super().__init__(scope, construct_id)
        self.endpoint: Final = endpoint
        self.production: Final = champion
        self.challenger: Final = challenger
        self.experiment_name: Final = (
            experiment_name_of(
                self,
                endpoint_name=endpoint.endpoint_name,
                challenger=challenger,
                capture=capture,
                volume_key=key if volumes else None,
            )
            if experiment_name is None
            else experiment_name
        )
        self.role: Final = experiment_role(self) if role is None else role
        self._owns_role = role is None
        allowed = self._allow(capture, key if volumes else None)
        kept = _kept(champion, challenger, conclusion)
        experiment = sagemaker.CfnInferenceExperiment
        self._resource = experiment(
            self,
            "Resource",
            name=self.experiment_name,
            type="ShadowMode",
            endpoint_name=endpoint.endpoint_name,
            role_arn=self.role.role_arn,
            description=description,
            model_variants=[variant.render() for variant in kept],
            shadow_mode_config=experiment.ShadowModeConfigProperty(
                source_model_variant_name=champion.name,
                shadow_model_variants=[
                    experiment.ShadowModelVariantConfigProperty(
                        shadow_model_variant_name=challenger.name, sampling_percentage=sampling_percentage
                    )
                ],
            ),
            schedule=None
            if period is None
            else experiment.InferenceExperimentScheduleProperty(start_time=period[0], end_time=period[1]),
            kms_key=key.key_arn if volumes and key is not None else None,
            data_storage_config=None if capture is None else _storage(capture),
            desired_state=None if conclusion is None else ("Cancelled" if conclusion == "cancel" else "Completed"),
            status_reason=reason,
        )
        self._resource.node.add_dependency(*(each for each in allowed if each is not None))
        if isinstance(endpoint, Endpoint):
            self._resource.node.add_dependency(endpoint.node.find_child("Resource"))  # which is named by a literal

    def _allow(self, capture: DataCapture | None, key: kms.IKey | None) -> list[IDependable | None]:
        """Give roles what they need; returns what must exist before the experiment does."""
        variants = (self.production, self.challenger)
        needed = experiment_permissions(self, self.endpoint, [each.model.model_name for each in variants], key)
        allowed: list[IDependable | None] = [
            allow_exactly(self, "Policy", self.role.role_name, needed)
            if self._owns_role
            else allow_given(self, "Policy", self.role, needed)
        ]
        write = [] if capture is None else write_captured(self, capture, capture.bucket, self.endpoint.endpoint_name)
        if write:
            allowed.append(self.production.model.allow(self, "ProductionCapture", write))
        run = [*challenger_permissions(self, self.endpoint), *write]
        allowed.append(self.challenger.model.allow(self, "Challenger", run))
        return allowed

    @property
    def experiment_arn(self) -> str:
        """The ARN of the experiment."""
        return self._resource.attr_arn


def _check_text(argument: str, text: str | None) -> None:
    check_type((str, NoneType), **{argument: text})
    if text is not None and not is_token(text) and not 1 <= len(text) <= MAX_DESCRIPTION:
        raise ValueError(f"{argument} must have between 1 and {MAX_DESCRIPTION:,} characters, got {len(text):,}")


def _storage(capture: DataCapture) -> sagemaker.CfnInferenceExperiment.DataStorageConfigProperty:
    experiment, bucket = sagemaker.CfnInferenceExperiment, capture.bucket
    assert bucket is not None  # noqa: S101 - checked before
    key = capture.key_of(bucket)
    return experiment.DataStorageConfigProperty(
        destination=f"s3://{bucket.bucket_name}/{capture.prefix}",
        kms_key=None if key is None else key.key_arn,
        content_type=experiment.CaptureContentTypeHeaderProperty(
            csv_content_types=list(capture.csv_content_types), json_content_types=list(capture.json_content_types)
        ),
    )


def _kept(
    production: ExperimentVariant, challenger: ExperimentVariant, conclusion: str | None
) -> list[ExperimentVariant]:
    """What the endpoint has at the end: CloudFormation removes a variant that is not named, and promotes the other."""
    if conclusion in {"keep-production", "cancel"}:
        return [production]
    return [challenger] if conclusion == "promote-challenger" else [production, challenger]
