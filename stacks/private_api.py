"""A tabular model behind an API that the internet does not reach: only networks that are connected with its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

import ml_constructs as ml
from stacks.schemas import TABULAR_REQUEST
from stacks.tabular import tabular_container

STAGE_NAME = "live"


@dataclass(frozen=True, kw_only=True)
class PrivateApiSettings:
    """The trained model, and who reaches it: address ranges of connected networks, and accounts beside this one."""

    model: Path
    connected: tuple[str, ...] = ("10.20.0.0/16",)
    accounts: tuple[str, ...] = ("444455556666",)
    instance_type: str = "ml.m5.large"
    max_instances: int = 6


class PrivateApiStack(Stack):
    """Serves a model on two instances to callers who sign requests, through one VPC endpoint of API Gateway."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: PrivateApiSettings, **options: Any) -> None:  # noqa: ANN401 - the arguments of Stack
        super().__init__(scope, construct_id, **options)
        key = ml.EncryptionKey(self, "Key")
        network = ml.InferenceNetwork(self, "Network", flow_log_key=key)
        for addresses in settings.connected:
            network.connections.allow_default_port_from(ec2.Peer.ipv4(addresses))
        entrance = network.add_interface_endpoint(
            ec2.InterfaceVpcEndpointAwsService.APIGATEWAY, statements=[self._calls(settings.accounts)]
        )
        model = ml.Model(self, "Model", containers=[tabular_container(settings.model)], network=network)
        capture = ml.CaptureBucket(self, "Capture", encryption_key=key, access_logs=ml.LogBucket(self, "AccessLogs"))
        endpoint = ml.Endpoint(
            self,
            "Endpoint",
            variants=[ml.InstanceVariant(name="only", model=model, instance_type=settings.instance_type)],
            data_capture=ml.DataCapture(bucket=capture, sampling_percentage=20),
            encryption_key=key,
        )
        endpoint.auto_scale(max_capacity=settings.max_instances).on_invocations(1200)
        api = ml.RestApiFrontEnd(
            self,
            "Api",
            endpoint=endpoint,
            network=network,
            encryption_key=key,
            request_schema=TABULAR_REQUEST,
            stage_name=STAGE_NAME,
            vpc_endpoints=[entrance],
            web_acl=ml.WebAcl(self, "WebAcl", encryption_key=key),
        )
        api.grant_execute(iam.ManagedPolicy(self, "Callers", description="Call the private API"))
        for account in settings.accounts:
            api.grant_execute(iam.AccountPrincipal(account))
        alarms = ml.EndpointAlarms(self, "Alarms", endpoint=endpoint, encryption_key=key)
        ml.EndpointDashboard(self, "Dashboard", endpoints=[endpoint], front_ends=[api], alarms=[alarms])
        host = f"{api.api.rest_api_id}-{entrance.vpc_endpoint_id}.execute-api.{self.region}.{self.url_suffix}"
        CfnOutput(
            self,
            "Url",
            value=f"https://{host}/{STAGE_NAME}/invocations",
            description="For connected networks, in which the API's own name leads nowhere",
        )

    def _calls(self, accounts: tuple[str, ...]) -> iam.PolicyStatement:
        """What passes the VPC endpoint. It names no API, as the API names the endpoint: neither could be made first."""
        return iam.PolicyStatement(
            principals=[iam.StarPrincipal()],
            actions=["execute-api:Invoke"],
            resources=[
                self.format_arn(service="execute-api", resource="*", resource_name=f"{STAGE_NAME}/POST/invocations")
            ],
            conditions={"StringEquals": {"aws:PrincipalAccount": [self.account, *accounts]}},
        )
