"""Scaling of a variant's instances: target tracking on load, backlog and CPU, and all that `IScaling` offers.

https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling.html
"""

from __future__ import annotations

import re
from typing import Final

from aws_cdk import CfnResource, Duration
from constructs import Construct

from ml_constructs._checks import check_range, check_type, check_whole, is_token
from ml_constructs.endpoint_config.instance_variant import InstanceVariant
from ml_constructs.interfaces.endpoint import INSTANCE_NAMESPACE, INVOCATION_NAMESPACE
from ml_constructs.scaling._capacity_range import check_capacities, check_start
from ml_constructs.scaling._scalable_target import (
    ScalableTarget,
    Scaled,
    Tracking,
    Wake,
    check_positive,
)
from ml_constructs.scaling.interface import IScaling
from ml_constructs.scaling.metrics import cpu_share, cpu_sum, metric_identity, one_metric
from ml_constructs.scaling.steps import MOST

_ONLY_TO_ONE: Final = "only asynchronous endpoints and inference components scale to zero"


class VariantScaling(Construct, IScaling):
    """The range in which a variant's instances scale; add policies with the `on_*` methods.

    Several policies may act on one variant: Application Auto Scaling takes the largest capacity any of them asks for.
    A variant of an asynchronous endpoint may scale to zero, and then wakes up by itself when a request is queued.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        endpoint: What must exist before the variant can be scaled.
        endpoint_name: The name of the endpoint.
        variant: The variant.
        min_capacity: The fewest instances, 1 or more; 0 or more on an asynchronous endpoint.
            Default: 2, one in each of two zones.
        max_capacity: The most instances, at least `min_capacity`.
        asynchronous: Whether the endpoint is asynchronous. Default: False.

    Raises:
        ValueError: a capacity is out of its range, the variant starts outside it, or its instance type is burstable.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: CfnResource,
        endpoint_name: str,
        variant: InstanceVariant,
        min_capacity: int = 2,
        max_capacity: int,
        asynchronous: bool = False,
    ) -> None:
        check_type(CfnResource, endpoint=endpoint)
        check_type(str, endpoint_name=endpoint_name)
        check_type(InstanceVariant, variant=variant)
        check_type(bool, asynchronous=asynchronous)
        least = 0 if asynchronous else 1  # D: async-inference-autoscale, endpoint-auto-scaling-zero-instances
        check_capacities(min_capacity, max_capacity, least=least, zero=_ONLY_TO_ONE)
        check_start(f"instance_count of variant {variant.name}", variant.instance_count, min_capacity, max_capacity)
        burstable = [each for each in variant.instance_types if re.match(r"ml\.t\d", each)]
        if burstable:
            # https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling.html: burstable types do not scale
            raise ValueError(
                f"instance_type of a scaled variant must not be burstable, got {burstable[0]} ({variant.name})"
            )
        super().__init__(scope, construct_id)
        self._endpoint_name = endpoint_name
        self._variant = variant
        self._asynchronous = asynchronous
        self._target = ScalableTarget(
            self,
            Scaled(
                dimension="sagemaker:variant:DesiredInstanceCount",
                resource_id=f"endpoint/{endpoint_name}/variant/{variant.name}",
                names=f"{endpoint_name}-{variant.name}",
                title=f"variant {variant.name}",
                where=f" of endpoint {endpoint_name}",
                unit="instance",
                least=least,
                wake=_on_backlog(endpoint_name) if asynchronous else None,
            ),
            after=endpoint,
            min_capacity=min_capacity,
            max_capacity=max_capacity,
        )

    def on_invocations(
        self,
        per_instance_per_minute: float,
        *,
        scale_in_cooldown: Duration | None = None,
        scale_out_cooldown: Duration | None = None,
        disable_scale_in: bool = False,
    ) -> None:
        """Keep the load of each instance near a number of requests per minute.

        Args:
            per_instance_per_minute: Requests per instance and minute, above 0: measure what one instance sustains, and
                leave a margin.
            scale_in_cooldown: Rest after removing instances. Default: 5 minutes.
            scale_out_cooldown: Rest after adding instances. Default: 5 minutes.
            disable_scale_in: Whether to only ever add instances. Default: False.

        Raises:
            ValueError: `per_instance_per_minute` is not above 0, a cooldown is negative, or the endpoint is
                asynchronous.
        """
        self._refuse_asynchronous("on_invocations", "InvocationsPerInstance")
        self._target.follow(
            "Invocations",
            check_positive("per_instance_per_minute", per_instance_per_minute),
            Tracking(scale_in_cooldown, scale_out_cooldown, disable_scale_in),
            predefined="SageMakerVariantInvocationsPerInstance",
        )

    def on_requests_per_second(
        self,
        per_instance: float,
        *,
        safety_factor: float = 0.5,
        scale_in_cooldown: Duration | None = None,
        scale_out_cooldown: Duration | None = None,
        disable_scale_in: bool = False,
    ) -> None:
        """Keep each instance at a safe share of the peak that a load test has measured.

        The target is `per_instance * safety_factor * 60` requests per instance and minute: AWS's formula, with the
        factor from which AWS recommends to start.

        Args:
            per_instance: The most requests per second that one instance answers well, above 0.
            safety_factor: The share of it to aim at, above 0 and at most 1. Default: 0.5.
            scale_in_cooldown: Rest after removing instances. Default: 5 minutes.
            scale_out_cooldown: Rest after adding instances. Default: 5 minutes.
            disable_scale_in: Whether to only ever add instances. Default: False.

        Raises:
            ValueError: an argument is out of its range, or the endpoint is asynchronous.

        See https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-loadtest.html
        """
        self._refuse_asynchronous("on_requests_per_second", "InvocationsPerInstance")
        self._target.follow_peak(
            ("per_instance", per_instance),
            safety_factor,
            Tracking(scale_in_cooldown, scale_out_cooldown, disable_scale_in),
            predefined="SageMakerVariantInvocationsPerInstance",
            published=("InvocationsPerInstance", self._dimensions),
        )

    def on_concurrent_requests(
        self,
        per_model: float,
        *,
        scale_in_cooldown: Duration | None = None,
        scale_out_cooldown: Duration | None = None,
        disable_scale_in: bool = False,
    ) -> None:
        """Keep the requests that a model container works on at once, those queued inside it included, near a number.

        The metric comes every 10 seconds, so that scaling out starts sooner than with requests per minute: the choice
        for models that take long to answer or stream their answers. Scaling in is no faster.

        Args:
            per_model: Requests at once in each model container, above 0.
            scale_in_cooldown: Rest after removing instances. Default: 5 minutes.
            scale_out_cooldown: Rest after adding instances. Default: 5 minutes.
            disable_scale_in: Whether to only ever add instances. Default: False.

        Raises:
            ValueError: an argument is out of its range, or the endpoint is asynchronous.

        See https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-add-code-define.html
        """
        self._refuse_asynchronous("on_concurrent_requests", "ConcurrentRequestsPerModel")
        self._target.follow(
            "ConcurrentRequests",
            check_positive("per_model", per_model),
            Tracking(scale_in_cooldown, scale_out_cooldown, disable_scale_in),
            predefined="SageMakerVariantConcurrentRequestsPerModelHighResolution",
        )

    def on_backlog(
        self,
        per_instance: float,
        *,
        scale_in_cooldown: Duration | None = None,
        scale_out_cooldown: Duration | None = None,
        disable_scale_in: bool = False,
    ) -> None:
        """Keep the queue of an asynchronous endpoint near a number of requests per instance.

        SageMaker counts the requests queued or in work for the endpoint, not for one of its variants.

        Args:
            per_instance: Requests per instance, above 0: how many one instance works off in the time they may wait.
            scale_in_cooldown: Rest after removing instances. Default: 5 minutes.
            scale_out_cooldown: Rest after adding instances. Default: 5 minutes.
            disable_scale_in: Whether to only ever add instances. Default: False.

        Raises:
            ValueError: an argument is out of its range, or the endpoint is not asynchronous.

        See https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-autoscale.html
        """
        if not self._asynchronous:
            raise ValueError(
                "on_backlog must only be used on an asynchronous endpoint, since others have no queue: use "
                f"on_invocations or on_requests_per_second, got variant {self._variant.name} of a synchronous one"
            )
        dimensions = {"EndpointName": self._endpoint_name}
        metric = (INVOCATION_NAMESPACE, "ApproximateBacklogSizePerInstance", dimensions, "Average")
        self._target.follow(
            "Backlog",
            check_positive("per_instance", per_instance),
            Tracking(scale_in_cooldown, scale_out_cooldown, disable_scale_in),
            customized=one_metric(*metric),
            of=metric_identity(*metric),
        )

    def on_cpu(
        self,
        percent: float,
        *,
        vcpus: int | None = None,
        scale_in_cooldown: Duration | None = None,
        scale_out_cooldown: Duration | None = None,
        disable_scale_in: bool = False,
    ) -> None:
        """Keep the CPU of the instances near a share of what they have.

        SageMaker publishes `CPUUtilization` as a sum over cores, so that 70 percent of an `ml.m5.large` is a value of
        140; this method multiplies by the number of vCPUs.

        Args:
            percent: CPU in use, above 0 and at most 100 percent of all cores.
            vcpus: The vCPUs of one instance. Default: those of the variant's instance type.
            scale_in_cooldown: Rest after removing instances. Default: 5 minutes.
            scale_out_cooldown: Rest after adding instances. Default: 5 minutes.
            disable_scale_in: Whether to only ever add instances. Default: False.

        Raises:
            ValueError: `percent` is out of its range, or `vcpus` is missing for an instance type unknown at synth.
        """
        cores = self._cores(percent, vcpus)
        late = is_token(percent) or is_token(cores)
        self._target.follow(
            "Cpu",
            percent if late else percent * cores,
            Tracking(scale_in_cooldown, scale_out_cooldown, disable_scale_in),
            customized=cpu_share(self._dimensions, cores) if late else cpu_sum(self._dimensions),
            of=None if late else metric_identity(INSTANCE_NAMESPACE, "CPUUtilization", self._dimensions, "Average"),
        )

    def cpu_value(self, percent: float, *, vcpus: int | None = None) -> float:
        """What `CPUUtilization` reads when this share of all cores of an instance is in use.

        Raises:
            ValueError: `percent` is out of its range, `vcpus` is missing for an instance type unknown at synth, or
                one of them is a token, which CloudFormation cannot multiply.
        """
        cores = self._cores(percent, vcpus)
        if is_token(percent) or is_token(cores):
            raise ValueError("percent and vcpus must be known at synth, got a token")
        return percent * cores

    def _cores(self, percent: float, vcpus: int | None) -> int:
        check_range("percent", check_positive("percent", percent), 0, 100, "percent")
        check_whole("vcpus", vcpus, 1, MOST)
        cores = self._variant.vcpus if vcpus is None else vcpus
        if cores is None:
            raise ValueError(
                "vcpus must be given where the instance type is known only at deployment, or pools differ, got None"
            )
        return cores

    @property
    def _dimensions(self) -> dict[str, str]:
        return {"EndpointName": self._endpoint_name, "VariantName": self._variant.name}

    def _refuse_asynchronous(self, method: str, metric: str) -> None:
        if self._asynchronous:
            # https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html lists all metrics
            raise ValueError(
                f"{method} must not be used on an asynchronous endpoint, which publishes no {metric}: use on_backlog, "
                f"got variant {self._variant.name} of one"
            )


def _on_backlog(endpoint_name: str) -> Wake:
    """As https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-autoscale.html does it."""
    return Wake(
        metric_name="HasBacklogWithoutCapacity",
        dimensions={"EndpointName": endpoint_name},
        statistic="Average",
        aggregation="Average",
        evaluation_periods=2,
        cooldown=300,
    )
