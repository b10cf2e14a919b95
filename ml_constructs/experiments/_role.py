"""The role that SageMaker assumes to run an inference experiment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from ml_constructs._environment import environment_of
from ml_constructs._log_groups import ENDPOINT_LOGS
from ml_constructs.endpoints._permissions import write_logs_and_metrics
from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.permissions import LOG_STREAMS, Permission


def experiment_role(experiment: Construct) -> iam.Role:
    """A role that SageMaker alone assumes, for resources of this account and region."""
    environment = environment_of(experiment)
    # https://docs.aws.amazon.com/sagemaker/latest/dg/security-confused-deputy-prevention.html
    conditions = {
        "StringEquals": {"aws:SourceAccount": environment.account},
        "ArnLike": {"aws:SourceArn": environment.arn("sagemaker", "*")},
    }
    principal = iam.ServicePrincipal("sagemaker.amazonaws.com", conditions=conditions)
    return iam.Role(experiment, "Role", assumed_by=principal, description="Changes an endpoint for an experiment")


def experiment_permissions(
    scope: Construct, endpoint: IEndpoint, model_names: Sequence[str], key: kms.IKey | None
) -> list[Permission]:
    """What a caller needs to do to the endpoint what an experiment does.

    AWS's pages name AmazonSageMakerFullAccess alone:
    https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests-create.html
    """
    environment = environment_of(scope)
    configs = environment.arn("sagemaker", "endpoint-config/*")
    permissions = [
        Permission(
            actions=[
                "sagemaker:DescribeEndpoint",
                "sagemaker:UpdateEndpoint",
                "sagemaker:UpdateEndpointWeightsAndCapacities",
            ],
            resources=[endpoint.endpoint_arn],
        ),
        Permission(
            actions=[
                "sagemaker:AddTags",
                "sagemaker:CreateEndpointConfig",
                "sagemaker:DeleteEndpointConfig",
                "sagemaker:DescribeEndpointConfig",
            ],
            resources=[configs],
            wildcard="SageMaker names the configurations that an experiment makes; alone they serve no endpoint.",
        ),
        # UpdateEndpoint names the configuration, and this endpoint's own has a name that CloudFormation chose.
        Permission(
            actions=["sagemaker:UpdateEndpoint"],
            resources=[configs],
            wildcard="IAM asks for the configuration beside the endpoint, which alone may be updated.",
        ),
        Permission(
            actions=["sagemaker:DescribeModel"],
            resources=[environment.arn("sagemaker", f"model/{name}") for name in model_names],
        ),
    ]
    if key is not None:
        permissions += [
            Permission(actions=["kms:DescribeKey"], resources=[key.key_arn]),
            Permission(
                actions=["kms:CreateGrant"],
                resources=[key.key_arn],
                conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
            ),
        ]
    return permissions


def challenger_permissions(scope: Construct, endpoint: IEndpoint) -> list[Permission]:
    """What the challenger's role needs on the endpoint, which gives it to the models of its own variants alone."""
    if isinstance(endpoint, Endpoint):
        return write_logs_and_metrics([endpoint.log_group.log_group_arn])
    streams = environment_of(scope).arn("logs", f"log-group:{ENDPOINT_LOGS}{endpoint.endpoint_name}:*")
    logs, *metrics = write_logs_and_metrics([streams])
    return [replace(logs, wildcard=LOG_STREAMS), *metrics]
