"""One model behind one name in two regions: trained artefacts are copied, and callers are led to a healthy region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jsii
from aws_cdk import App, Environment, Fn, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_iam as iam
from aws_cdk import aws_route53 as route53
from constructs import Construct

import ml_constructs as ml
from stacks.schemas import TABULAR_REQUEST
from stacks.tabular import tabular_container


@dataclass(frozen=True, kw_only=True)
class RegionSettings:
    """What differs between the regions."""

    name: str
    certificate_arn: str


@dataclass(frozen=True, kw_only=True)
class MultiRegionSettings:
    """Where the model is served, under which name, and which of its versions."""

    account: str
    main: RegionSettings
    standby: RegionSettings
    domain_name: str
    hosted_zone_id: str
    key: str
    version: str
    failover: bool = False
    """Whether the standby region answers only while the main one does not, rather than whoever is nearer to it."""


class ModelStoreStack(Stack):
    """A bucket of models. That of the main region copies all it gets to the standby region."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        standby: ModelStoreStack | None = None,
        **options: Any,  # noqa: ANN401 - the arguments of Stack
    ) -> None:
        super().__init__(scope, construct_id, **options)
        # What is copied to must exist first, and so must the key that the other is a replica of.
        self.key: ml.EncryptionKey = (
            ml.EncryptionKey(self, "Key", multi_region=True)
            if standby is None
            else ml.ReplicaKey(self, "Key", primary=standby.key)
        )
        self.models = ml.ArtifactBucket(
            self, "Models", encryption_key=self.key, access_logs=ml.LogBucket(self, "AccessLogs")
        )
        if standby is not None:
            ml.BucketReplication(self, "Copies", source=self.models, destinations=[standby.models])


class MultiRegionStack(Stack):
    """Serves the model in one region."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: MultiRegionSettings,
        region: RegionSettings,
        store: ModelStoreStack,
        **options: Any,  # noqa: ANN401 - the arguments of Stack
    ) -> None:
        super().__init__(scope, construct_id, **options)
        key = ml.EncryptionKey(self, "Key")
        network = ml.InferenceNetwork(self, "Network", flow_log_key=key)
        archive = ml.ModelData.from_bucket(store.models, settings.key, version=settings.version)
        model = ml.Model(self, "Model", containers=[tabular_container(archive)], network=network)
        variant = ml.InstanceVariant(name="champion", model=model, instance_type="ml.m5.large")
        bucket = ml.CaptureBucket(self, "Capture", encryption_key=key, access_logs=ml.LogBucket(self, "AccessLogs"))
        capture = ml.DataCapture(bucket=bucket, sampling_percentage=20)
        endpoint = ml.Endpoint(self, "Endpoint", variants=[variant], data_capture=capture, encryption_key=key)
        endpoint.auto_scale(max_capacity=6).on_invocations(1200)
        api = ml.RestApiFrontEnd(
            self,
            "Api",
            endpoint=endpoint,
            network=network,
            encryption_key=key,
            request_schema=TABULAR_REQUEST,
            web_acl=ml.WebAcl(self, "WebAcl", encryption_key=key),
        )
        api.grant_execute(iam.ManagedPolicy(self, "Callers", description=f"Call the model in {region.name}"))
        alarms = ml.EndpointAlarms(self, "Alarms", endpoint=endpoint, encryption_key=key)
        ml.EndpointDashboard(self, "Dashboard", endpoints=[endpoint], front_ends=[api], alarms=[alarms])
        ml.ApiDomain(
            self,
            "Domain",
            front_end=api,
            domain_name=settings.domain_name,
            certificate=acm.Certificate.from_certificate_arn(self, "Certificate", region.certificate_arn),
            hosted_zone=route53.HostedZone.from_hosted_zone_id(self, "Zone", settings.hosted_zone_id),
            routing=_routing(settings, region, ml.ApiHealth(alarm_topic=alarms.topic)),
        )

    @property
    @jsii.member(jsii_name="availabilityZones")
    def availability_zones(self) -> list[str]:
        """Two, which CloudFormation names: else aws-cdk would ask the account for the zones of a known region."""
        return [Fn.select(index, Fn.get_azs()) for index in range(2)]


def add_multi_region(app: App, prefix: str, settings: MultiRegionSettings) -> tuple[MultiRegionStack, MultiRegionStack]:
    """Add two stacks a region: its models, and what serves them. Returns those that serve."""
    main = Environment(account=settings.account, region=settings.main.name)
    standby = Environment(account=settings.account, region=settings.standby.name)
    copies = ModelStoreStack(app, f"{prefix}StandbyModels", env=standby)
    models = ModelStoreStack(app, f"{prefix}Models", standby=copies, env=main)
    return (
        MultiRegionStack(app, f"{prefix}Main", settings=settings, region=settings.main, store=models, env=main),
        MultiRegionStack(
            app, f"{prefix}Standby", settings=settings, region=settings.standby, store=copies, env=standby
        ),
    )


def _routing(settings: MultiRegionSettings, region: RegionSettings, health: ml.ApiHealth) -> ml.DnsRouting:
    if not settings.failover:
        return ml.DnsRouting.latency(health)
    return ml.DnsRouting.primary(health) if region == settings.main else ml.DnsRouting.secondary(health)
