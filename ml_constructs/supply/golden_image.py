"""A pipeline of EC2 Image Builder that makes machine images for AWS Batch and EC2 hosts, patched every week.

SageMaker hosting takes none of them: choose there among its own, `InstanceVariant(inference_ami_version=...)`, and put
what a model needs into its container.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any, Final

from aws_cdk import Names, Size
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_imagebuilder as imagebuilder
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from ml_constructs._checks import (
    check_each,
    check_given,
    check_grantee,
    check_length,
    check_offers,
    check_pattern,
    check_type,
    check_whole,
    is_token,
)
from ml_constructs._environment import check_account, check_region, environment_of
from ml_constructs._log_groups import hosting_log_group
from ml_constructs._sizes import gibibytes
from ml_constructs.encryption import EncryptionKey
from ml_constructs.permissions import allow_exactly
from ml_constructs.supply._build_hosts import build_subnet, check_no_graviton
from ml_constructs.supply._image_builder import admit_accounts, admit_hosts, admit_notifications, build_permissions
from ml_constructs.supply.image_component import ImageComponent, digest_of

# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-imagebuilder-imagerecipe.html
MAX_COMPONENTS: Final = 20
# https://docs.aws.amazon.com/imagebuilder/latest/APIReference/API_EbsInstanceBlockDeviceSpecification.html
VOLUME_GIB: Final = (1, 16_000)
# A longer one, with what is added to it, would be longer than Image Builder's 128 characters.
IMAGE_NAME: Final = r"(?!.{51})[a-z0-9](-?[a-z0-9])+"
IMAGE_NAME_RULE: Final = "2 to 50 lower-case letters and digits, with single hyphens between them"

# AWS Batch runs its jobs on ECS: https://docs.aws.amazon.com/batch/latest/userguide/compute_resource_AMIs.html
_ECS: Final = "ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"
_LOGS: Final = "/aws/imagebuilder/"
_PIPELINE_LOGS: Final = "/aws/imagebuilder/pipeline/"
_PARENT: Final = r"ami-[0-9a-f]{8,17}|ssm:\S+|prod-[a-z0-9]+|arn:aws[a-z-]*:imagebuilder:[a-z0-9-]+:[^:]+:image/\S+"
_PARENT_RULE: Final = "ami-..., ssm: and a parameter, the ARN of an image of Image Builder, or a product of Marketplace"
_CRON: Final = r"cron\(\S+( \S+){4,5}\)|rate\([1-9]\d* (minute|hour|day)s?\)"
_ZONE: Final = r"(?=.{3,100}$)[a-zA-Z0-9]{2,}(/[a-zA-Z0-9_+-]+)*"
_INSTANCE_TYPE: Final = r"[a-z][a-z0-9-]*\.[a-z0-9-]+"
_ACCOUNT: Final = r"\d{12}"
_REGION: Final = r"[a-z]{2,}(-[a-z]+)+-\d"
_KEY_ARN: Final = r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key|alias)/\S+"
_MANY: Final = 1000


class GoldenImage(Construct):
    """Makes a machine image from components every week, tests it, encrypts it, and says where it is.

    The id of the newest image is in the parameter `/imagebuilder/<image_name>` of Systems Manager once the first build
    is done, so that a launch template names it `resolve:ssm:/imagebuilder/<image_name>`. Older images stay.

    A recipe never changes: other components are another recipe, with which CloudFormation updates the pipeline in place
    before it deletes the one before. Images that were made stay.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        vpc: Where instances build and test: in a private subnet, from which they reach the internet or endpoints of
            Systems Manager, Image Builder, CloudWatch Logs and S3, over HTTPS.
        components: At most 20 with AWS's own two, in their order.
        subnets: Another choice of subnets; the first is used. Default: private subnets with a way out.
        parent_image: What the image begins with: the id of an image, `ssm:` and the name of a parameter that holds it,
            or the ARN of an image of Image Builder. Linux, with Bash. Default: the newest Amazon Linux 2023 for ECS on
            x86, which AWS Batch asks for.
        instance_types: On which it is built, the first that EC2 has; of the architecture of `parent_image`.
            Default: `m6i.large`.
        root_device: The root device of `parent_image`. Default: `/dev/xvda`, Amazon Linux's.
        volume_size: The size of the root volume, 1 to 16,000 GiB. Default: 30 GiB.
        update: Whether to install all updates first. Default: True.
        schedule: When to build, `cron(minute hour day month weekday year)` or `rate(...)`; None builds on demand alone.
            Default: on Sundays at 2.
        time_zone: The time zone of the schedule, e.g. `Europe/Berlin`. Default: UTC.
        only_when_updated: Whether to build only if `parent_image` or a component has a newer version; updates of
            packages are none. Default: False.
        copies: Other regions, each with the ARN of the key there that encrypts the copy. Default: none.
        share_with: Accounts that may start hosts from the image, of this region and the copies. Default: none.
        scan: Whether to keep what Amazon Inspector finds, which the account must have activated. Default: False.
        topic: Hears of each image that is made or fails; Image Builder's service-linked role must be able to use its
            key. Default: a new encrypted topic.
        encryption_key: Encrypts the image, the topic and the logs. Auto Scaling groups and AWS Batch of this account
            may start hosts with it. Default: a new `EncryptionKey`.
        log_retention: How long the logs of builds are kept. Default: 1 year.
        image_name: 2 to 50 lower-case letters, digits and single hyphens. Default: derived from the construct's path.

    Attributes:
        parameter_name: The parameter that holds the id of the newest image.
        pipeline_arn: The ARN of the pipeline, to build on demand.
        topic: The topic.
        connections: The security group of the build instances, to let them reach more than HTTPS.

    Raises:
        ValueError: an argument is out of its range.

    See https://docs.aws.amazon.com/imagebuilder/latest/userguide/what-is-image-builder.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        components: Sequence[ImageComponent] = (),
        subnets: ec2.SubnetSelection | None = None,
        parent_image: str = _ECS,
        instance_types: Sequence[str] = ("m6i.large",),
        root_device: str = "/dev/xvda",
        volume_size: Size | None = None,
        update: bool = True,
        schedule: str | None = "cron(0 2 ? * sun *)",
        time_zone: str = "UTC",
        only_when_updated: bool = False,
        copies: Mapping[str, str] | None = None,
        share_with: Sequence[str] = (),
        scan: bool = False,
        topic: sns.ITopic | None = None,
        encryption_key: kms.IKey | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        image_name: str | None = None,
    ) -> None:
        check_given(vpc=vpc)
        check_offers("vpc_id", "a VPC", vpc=vpc)
        check_type((ec2.SubnetSelection, NoneType), subnets=subnets)
        check_type(bool, update=update, only_when_updated=only_when_updated, scan=scan)
        check_type(str, parent_image=parent_image, root_device=root_device, time_zone=time_zone)
        check_type((str, NoneType), schedule=schedule, image_name=image_name)
        check_type((Mapping, NoneType), copies=copies)
        check_type(logs.RetentionDays, log_retention=log_retention)
        check_offers("topic_arn", "an SNS topic", topic=topic)
        check_offers("key_arn", "a KMS key", encryption_key=encryption_key)
        check_region(scope, topic=topic, encryption_key=encryption_key)
        check_account(scope, vpc=vpc)
        check_pattern("parent_image", parent_image, _PARENT, _PARENT_RULE)
        check_pattern("root_device", root_device, r"/dev/\S+", "a device such as /dev/xvda")
        check_pattern("schedule", schedule, _CRON, "cron(minute hour day month weekday year) or rate(number unit)")
        check_pattern("time_zone", time_zone, _ZONE, "a time zone such as Europe/Berlin")
        check_pattern("image_name", image_name, IMAGE_NAME, IMAGE_NAME_RULE)
        _check_all("instance_types", instance_types, _INSTANCE_TYPE, "EC2 instance types such as m6i.large", low=1)
        if parent_image == _ECS:
            check_no_graviton(instance_types)
        _check_all("share_with", share_with, _ACCOUNT, "account ids of 12 digits")
        for region, key_arn in (copies or {}).items():
            check_type(str, copies=region)
            check_pattern("copies", region, _REGION, "regions, with the ARNs of keys there")
            check_given(**{f"copies[{region!r}]": key_arn})
            check_pattern(f"copies[{region!r}]", key_arn, _KEY_ARN, "the ARN of a KMS key")
        volume_gibibytes = _gibibytes(volume_size)
        chosen = _components(components, update=update)
        super().__init__(scope, construct_id)
        self.image_name: Final = _name_of(self) if image_name is None else image_name
        key = EncryptionKey(self, "Key") if encryption_key is None else encryption_key
        admit_hosts(self, key)
        if share_with:
            admit_accounts(key, share_with)
        self.encryption_key: Final = key
        self.topic: Final = self._topic(key) if topic is None else topic
        self.parameter_name: Final = f"/imagebuilder/{self.image_name}"
        log_group, pipeline_logs = (
            hosting_log_group(
                self, which, name=self.image_name, encryption_key=key, retention=log_retention, prefix=prefix
            )
            for which, prefix in (("Logs", _LOGS), ("PipelineLogs", _PIPELINE_LOGS))
        )
        self.log_group: Final = log_group
        configured = [component.bind(self, prefix=self.image_name) for component in chosen]
        recipe = self._recipe(
            configured, [parent_image, root_device, volume_gibibytes], [component.content for component in chosen]
        )
        group = ec2.SecurityGroup(
            self, "Group", vpc=vpc, description="Instances that build a machine image", allow_all_outbound=False
        )
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "AWS and packages")
        self.connections: Final = group.connections
        subnet = build_subnet(vpc, subnets)
        infrastructure = self._infrastructure(group, subnet, instance_types, configured)
        distribution = self._distribution({} if copies is None else copies, share_with)
        pipeline = imagebuilder.CfnImagePipeline
        self._pipeline = pipeline(
            self,
            "Resource",
            name=self.image_name,
            image_recipe_arn=recipe.attr_arn,
            infrastructure_configuration_arn=infrastructure.attr_arn,
            distribution_configuration_arn=distribution.attr_arn,
            image_tests_configuration=pipeline.ImageTestsConfigurationProperty(image_tests_enabled=True),
            image_scanning_configuration=pipeline.ImageScanningConfigurationProperty(image_scanning_enabled=True)
            if scan
            else None,
            logging_configuration=pipeline.PipelineLoggingConfigurationProperty(
                image_log_group_name=log_group.log_group_name, pipeline_log_group_name=pipeline_logs.log_group_name
            ),
            schedule=None
            if schedule is None
            else pipeline.ScheduleProperty(
                schedule_expression=schedule,
                timezone=time_zone,
                pipeline_execution_start_condition="EXPRESSION_MATCH_AND_DEPENDENCY_UPDATES_AVAILABLE"
                if only_when_updated
                else "EXPRESSION_MATCH_ONLY",
            ),
            status="ENABLED",
        )

    @property
    def pipeline_arn(self) -> str:
        """The ARN of the pipeline, e.g. for `aws imagebuilder start-image-pipeline-execution`."""
        return self._pipeline.attr_arn

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` read the id of the newest image, e.g. to start instances of a launch template."""
        check_grantee(grantee)
        arn = environment_of(self).arn("ssm", f"parameter{self.parameter_name}")
        return iam.Grant.add_to_principal(
            grantee=grantee, actions=["ssm:GetParameter", "ssm:GetParameters"], resource_arns=[arn]
        )

    def _topic(self, key: kms.IKey) -> sns.Topic:
        """Image Builder's own role may publish to every topic of its account."""
        admit_notifications(self, key)
        return sns.Topic(self, "Topic", display_name=f"Images of {self.image_name}", master_key=key, enforce_ssl=True)

    def _recipe(
        self, components: Sequence[Any], settings: Sequence[Any], content: Sequence[object]
    ) -> imagebuilder.CfnImageRecipe:
        recipe = imagebuilder.CfnImageRecipe
        parent_image, root_device, volume_gibibytes = settings
        key_arn = self.encryption_key.key_arn
        # The content, since a component of this stack is the same reference before and after.
        digest = digest_of(self, [content, settings, key_arn])
        return recipe(
            self,
            "Recipe",
            name=f"{self.image_name}-{digest}",
            version="1.0.0",
            parent_image=parent_image,
            components=list(components),
            block_device_mappings=[
                recipe.InstanceBlockDeviceMappingProperty(
                    device_name=root_device,
                    ebs=recipe.EbsInstanceBlockDeviceSpecificationProperty(
                        encrypted=True,
                        kms_key_id=key_arn,
                        volume_size=volume_gibibytes,
                        volume_type="gp3",
                        delete_on_termination=True,
                    ),
                )
            ],
        )

    def _infrastructure(
        self,
        group: ec2.SecurityGroup,
        subnet: str,
        instance_types: Sequence[str],
        components: Sequence[Any],
    ) -> imagebuilder.CfnInfrastructureConfiguration:
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
            description="Builds and tests a machine image",
        )
        arns = [_every_build(each.component_arn) for each in components]
        needed = build_permissions(
            self, component_arns=list(dict.fromkeys(arns)), log_group_arn=self.log_group.log_group_arn
        )
        policy = allow_exactly(self, "Policy", role.role_name, needed)
        profile = iam.CfnInstanceProfile(self, "Profile", roles=[role.role_name])
        configuration = imagebuilder.CfnInfrastructureConfiguration
        resource = configuration(
            self,
            "Infrastructure",
            name=self.image_name,
            instance_profile_name=profile.ref,
            instance_types=list(instance_types),
            subnet_id=subnet,
            security_group_ids=[group.security_group_id],
            terminate_instance_on_failure=True,
            sns_topic_arn=self.topic.topic_arn,
            instance_metadata_options=configuration.InstanceMetadataOptionsProperty(
                http_tokens="required", http_put_response_hop_limit=1
            ),
        )
        resource.node.add_dependency(policy)  # without which an instance never reports
        return resource

    def _distribution(
        self, copies: Mapping[str, str], share_with: Sequence[str]
    ) -> imagebuilder.CfnDistributionConfiguration:
        configuration = imagebuilder.CfnDistributionConfiguration
        launch = {"LaunchPermissionConfiguration": {"UserIds": list(share_with)}} if share_with else {}
        regions: dict[str, str | None] = {environment_of(self).region: None, **copies}
        return configuration(
            self,
            "Distribution",
            name=self.image_name,
            distributions=[
                configuration.DistributionProperty(
                    region=region,
                    ami_distribution_configuration={
                        "Name": f"{self.image_name}-{{{{ imagebuilder:buildDate }}}}",
                        **({} if key_arn is None else {"KmsKeyId": key_arn}),
                        **launch,
                    },
                    ssm_parameter_configurations=[
                        configuration.SsmParameterConfigurationProperty(
                            parameter_name=self.parameter_name, data_type="aws:ec2:image"
                        )
                    ],
                )
                for region, key_arn in regions.items()
            ],
        )


def _check_all(argument: str, values: Sequence[str], pattern: str, rule: str, *, low: int = 0) -> None:
    check_each("text", str, **{argument: values})
    check_length(argument, values, low, _MANY)
    for value in () if is_token(values) else values:
        check_pattern(argument, value, pattern, rule)


def _components(given: Sequence[ImageComponent], *, update: bool) -> list[ImageComponent]:
    check_each("ImageComponent", ImageComponent, components=given)
    first = [ImageComponent.managed("update-linux")] if update else []
    chosen = [*first, *given, ImageComponent.managed("simple-boot-test-linux")]
    own = len(chosen) - len(given)
    check_length("components", given, 0, MAX_COMPONENTS - own)
    names = [component.name for component in chosen]
    if len(set(names)) < len(names):
        raise ValueError(f"components must have names of their own, got {', '.join(names)}")
    return chosen


def _gibibytes(size: Size | None) -> float:
    if size is None:
        return 30
    check_type(Size, volume_size=size)
    whole = gibibytes("volume_size", size)
    check_whole("volume_size", whole, *VOLUME_GIB, "GiB")
    return size.to_gibibytes() if whole is None else whole


def _name_of(construct: Construct) -> str:
    name = Names.unique_resource_name(construct, max_length=50, separator="-", allowed_special_characters="-")
    return name.lower()


def _every_build(arn: str) -> str:
    """A component's ARN ends with its version, and after that the build that Image Builder counts."""
    if is_token(arn) and "/" not in arn:  # of this stack: the name and the version are in it
        return arn
    return f"{arn.rpartition('/')[0]}/*"
