"""A version of a registered model that the app itself defines, rather than a training pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any, Final, cast

from aws_cdk import RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from ml_constructs._checks import (
    check_choice,
    check_each,
    check_given,
    check_keys,
    check_length,
    check_offers,
    check_pattern,
    check_type,
    is_token,
)
from ml_constructs._environment import check_region
from ml_constructs._instance_types import check_instance_type
from ml_constructs.models.container import Container
from ml_constructs.models.model_data import ModelData
from ml_constructs.models.model_data_source import ModelDataSource
from ml_constructs.models.multi_model_data import MultiModelData
from ml_constructs.models.registry import (
    IModelPackageGroup,
    ModelPackageGroup,
    check_characters,
    check_description,
    check_size,
    check_texts,
)

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html
CONTAINERS: Final = (1, 15)
METADATA: Final = (0, 50)
APPROVALS: Final = ("PendingManualApproval", "Approved", "Rejected")

_MAX_CONTENT_TYPE: Final = 256
_MAX_RESPONSE_TYPE: Final = 1024
_MANY: Final = 1000
_MAX_METADATA: Final = (128, 256)
_MARKS: Final = "_.:/=+-@"
_RESPONSE_TYPE: Final = r"[-\w]+/.+"
_SOURCE: Final = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-modelpackage.html"
)


class ModelPackage(Construct):
    """A version of a group: the containers of a model, with what they take and give.

    A version is immutable but for its approval and metadata: any other change registers the next version, and the one
    before stays in the group. SageMaker reads images and archives when it registers a version, as whoever deploys the
    stack.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        group: The group.
        containers: 1 to 15 containers, in the order in which a pipeline runs them. No `MultiModelData`, no private
            registry, and no hub content: a version cannot name these.
        content_types: MIME types that the model takes.
        response_types: MIME types that it answers with.
        instance_types: The instance types that it may be served on. Default: unknown.
        transform_instance_types: The instance types that it may transform batches on. Default: unknown.
        approval: `PendingManualApproval`, `Approved` or `Rejected`; changed in place. A model is made only of an
            approved version. Default: it waits for somebody to approve it.
        approval_description: Why. Default: none.
        description: At most 1,024 characters. Default: none.
        metadata: At most 50 texts by name, of at most 256 characters by 128; changed in place. Default: none.
        encryption_key: Encrypts what the registry keeps of the version. Default: a key of AWS.
        removal_policy: What happens to the version on deletion, and on replacement by the next. Default: RETAIN, but
            not when the stack fails to create.

    Attributes:
        model_package_arn: The ARN with the version, which SageMaker counts.

    Raises:
        ValueError: an argument is out of its range, or AWS cannot register such a container.

    See https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        group: IModelPackageGroup,
        containers: Sequence[Container],
        content_types: Sequence[str],
        response_types: Sequence[str],
        instance_types: Sequence[str] | None = None,
        transform_instance_types: Sequence[str] | None = None,
        approval: str = "PendingManualApproval",
        approval_description: str | None = None,
        description: str | None = None,
        metadata: Mapping[str, str] | None = None,
        encryption_key: kms.IKey | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    ) -> None:
        check_type(IModelPackageGroup, group=group)
        check_type((str, NoneType), approval_description=approval_description, description=description)
        check_type(str, approval=approval)
        check_type(RemovalPolicy, removal_policy=removal_policy)
        check_type((Mapping, NoneType), metadata=metadata)
        check_choice("approval", approval, APPROVALS)
        check_offers("key_arn", "a KMS key", encryption_key=encryption_key)
        check_region(scope, encryption_key=encryption_key)
        check_region(scope, group=group if isinstance(group, ModelPackageGroup) else None)
        _check_containers(containers)
        check_texts("content_types", content_types, 1, _MANY, _MAX_CONTENT_TYPE)
        check_texts("response_types", response_types, 1, _MANY, _MAX_RESPONSE_TYPE)
        for argument, types in (
            ("instance_types", instance_types),
            ("transform_instance_types", transform_instance_types),
        ):
            if types is not None:
                check_texts(argument, types, 1, _MANY, _MANY)
                for each in types:
                    check_instance_type(argument, each)
        for each in () if is_token(response_types) else response_types:
            check_pattern("response_types", each, _RESPONSE_TYPE, "MIME types such as text/csv")
        check_size("approval_description", approval_description)
        check_pattern("approval_description", approval_description, ".*", "one line")
        check_description("description", description)
        _check_metadata({} if metadata is None else metadata)
        super().__init__(scope, construct_id)
        bound = [container.bind(self) for container in containers]
        package = sagemaker.CfnModelPackage
        self._resource = package(
            self,
            "Resource",
            model_package_group_name=group.model_package_group_name,
            model_package_description=description,
            model_approval_status=approval,
            approval_description=approval_description,
            customer_metadata_properties=dict(metadata or {}) or None,
            security_config=None
            if encryption_key is None
            else package.SecurityConfigProperty(kms_key_id=encryption_key.key_arn),
            inference_specification=package.InferenceSpecificationProperty(
                containers=[_registered(each.definition) for each in bound],
                supported_content_types=list(content_types),
                supported_response_mime_types=list(response_types),
                supported_realtime_inference_instance_types=None if instance_types is None else list(instance_types),
                supported_transform_instance_types=None
                if transform_instance_types is None
                else list(transform_instance_types),
            ),
        )
        self._resource.apply_removal_policy(removal_policy)
        # SageMaker refuses tags on a version of a group, and the CDK would put those of the stack here.
        self._resource.add_property_deletion_override("Tags")
        if isinstance(group, ModelPackageGroup):
            self._resource.node.add_dependency(group)  # which is named by a literal
        self.group: Final = group
        self.images: Final = tuple(container.image for container in containers)
        data = (container.model_data for container in containers)
        self.model_data: Final = tuple(each for each in data if isinstance(each, (ModelData, ModelDataSource)))
        self.data_buckets: Final[tuple[s3.IBucket, ...]] = tuple(data.bucket for each in bound for data in each.data)

    @property
    def model_package_arn(self) -> str:
        """The ARN with the version."""
        return self._resource.attr_model_package_arn


def _check_containers(containers: Sequence[Container]) -> None:
    check_each("Container", Container, containers=containers)
    check_length("containers", containers, *CONTAINERS)
    if any(container in containers[:index] for index, container in enumerate(containers)):
        # so the type's schema has it, though the API does not
        raise ValueError("containers must be different from each other, by their hostnames if need be, got two alike")
    named = [container.hostname is not None for container in containers]
    if any(named) and not all(named):
        raise ValueError(f"containers must all have a hostname or none, got {sum(named)} of {len(named)} with one")
    for what, has in (
        ("MultiModelData", any(isinstance(container.model_data, MultiModelData) for container in containers)),
        ("a private registry", any(container.image.private_registry is not None for container in containers)),
    ):
        if has:
            raise ValueError(f"containers must not have {what} in a model package ({_SOURCE}), got one")


def _check_metadata(metadata: Mapping[str, str]) -> None:
    check_length("metadata", metadata, *METADATA)
    check_keys("metadata", metadata)
    for name, value in metadata.items():
        for text, longest in zip((name, value), _MAX_METADATA, strict=True):
            check_given(metadata=text)
            check_texts("metadata", [text], 1, 1, longest)
            rule = f"letters, numbers, spaces and any of {_MARKS}"
            check_characters("metadata", text, "LNZ", _MARKS, rule=rule)


def _registered(definition: sagemaker.CfnModel.ContainerDefinitionProperty) -> Any:  # noqa: ANN401 - the type that jsii makes
    """A container of a model as a container of a version: CloudFormation has two types of the same members."""
    package = sagemaker.CfnModelPackage
    source = cast("sagemaker.CfnModel.ModelDataSourceProperty | None", definition.model_data_source)
    data = None
    if source is not None:
        s3_source = cast("sagemaker.CfnModel.S3DataSourceProperty", source.s3_data_source)
        if s3_source.hub_access_config is not None:
            raise ValueError(f"containers must not have hub content in a model package ({_SOURCE}), got one")
        access = cast("sagemaker.CfnModel.ModelAccessConfigProperty | None", s3_source.model_access_config)
        data = package.ModelDataSourceProperty(
            s3_data_source=package.S3ModelDataSourceProperty(
                s3_uri=s3_source.s3_uri,
                s3_data_type=s3_source.s3_data_type,
                compression_type=s3_source.compression_type,
                model_access_config=None
                if access is None
                else package.ModelAccessConfigProperty(accept_eula=access.accept_eula),
            )
        )
    return package.ModelPackageContainerDefinitionProperty(
        image=cast("str", definition.image),
        container_hostname=definition.container_hostname,
        environment=definition.environment,
        model_data_url=definition.model_data_url,
        model_data_source=data,
    )
