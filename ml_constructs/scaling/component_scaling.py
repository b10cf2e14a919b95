"""Scaling of the copies of an inference component, to zero and back if wanted.

https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html
"""

from __future__ import annotations

from aws_cdk import CfnResource, Duration
from constructs import Construct

from ml_constructs._checks import check_pattern, check_type, check_whole
from ml_constructs.endpoint_config.instance_variant import NAME_PATTERN, NAME_RULE
from ml_constructs.scaling._capacity_range import check_capacities, check_start
from ml_constructs.scaling._scalable_target import (
    ScalableTarget,
    Scaled,
    Tracking,
    Wake,
    check_positive,
)
from ml_constructs.scaling.interface import IScaling
from ml_constructs.scaling.steps import MOST


class ComponentScaling(Construct, IScaling):
    """The range in which the copies of an inference component scale; SageMaker scales the instances beneath them.

    With a range that reaches zero, the first request that finds no copy fails, and wakes the component up. The
    instances only go as well if the endpoint's managed instance scaling may go to zero.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        component: What must exist before its copies can be scaled.
        component_name: The name of the inference component.
        copies: How many copies it starts with. Default: unknown, and so not compared with the range.
        min_capacity: The fewest copies, 0 or more. Default: 2, so that one may fail.
        max_capacity: The most copies, at least `min_capacity`.

    Raises:
        ValueError: a capacity is out of its range, or the component starts outside it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        component: CfnResource,
        component_name: str,
        copies: int | None = None,
        min_capacity: int = 2,
        max_capacity: int,
    ) -> None:
        check_type(CfnResource, component=component)
        check_type(str, component_name=component_name)
        check_pattern("component_name", component_name, NAME_PATTERN, NAME_RULE)
        check_capacities(min_capacity, max_capacity, least=0)
        check_whole("copies", copies, 0, MOST)
        if copies is not None:
            check_start(f"copies of component {component_name}", copies, min_capacity, max_capacity)
        super().__init__(scope, construct_id)
        self._dimensions = {"InferenceComponentName": component_name}
        self._target = ScalableTarget(
            self,
            Scaled(
                dimension="sagemaker:inference-component:DesiredCopyCount",
                resource_id=f"inference-component/{component_name}",
                names=component_name,
                title=f"inference component {component_name}",
                unit="copy",
                least=0,
                wake=_on_lost_requests(component_name),
            ),
            after=component,
            min_capacity=min_capacity,
            max_capacity=max_capacity,
        )

    def on_invocations(
        self,
        per_copy_per_minute: float,
        *,
        scale_in_cooldown: Duration | None = None,
        scale_out_cooldown: Duration | None = None,
        disable_scale_in: bool = False,
    ) -> None:
        """Keep the load of each copy near a number of requests per minute.

        Args:
            per_copy_per_minute: Requests per copy and minute, above 0: measure what one copy sustains, and leave a
                margin.
            scale_in_cooldown: Rest after removing copies. Default: 5 minutes.
            scale_out_cooldown: Rest after adding copies. Default: 5 minutes.
            disable_scale_in: Whether to only ever add copies. Default: False.

        Raises:
            ValueError: an argument is out of its range.
        """
        self._target.follow(
            "Invocations",
            check_positive("per_copy_per_minute", per_copy_per_minute),
            Tracking(scale_in_cooldown, scale_out_cooldown, disable_scale_in),
            predefined="SageMakerInferenceComponentInvocationsPerCopy",
        )

    def on_requests_per_second(
        self,
        per_copy: float,
        *,
        safety_factor: float = 0.5,
        scale_in_cooldown: Duration | None = None,
        scale_out_cooldown: Duration | None = None,
        disable_scale_in: bool = False,
    ) -> None:
        """Keep each copy at a safe share of the peak that a load test has measured.

        The target is `per_copy * safety_factor * 60` requests per copy and minute: AWS's formula, with the factor from
        which AWS recommends to start.

        Args:
            per_copy: The most requests per second that one copy answers well, above 0.
            safety_factor: The share of it to aim at, above 0 and at most 1. Default: 0.5.
            scale_in_cooldown: Rest after removing copies. Default: 5 minutes.
            scale_out_cooldown: Rest after adding copies. Default: 5 minutes.
            disable_scale_in: Whether to only ever add copies. Default: False.

        Raises:
            ValueError: an argument is out of its range.

        See https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-loadtest.html
        """
        self._target.follow_peak(
            ("per_copy", per_copy),
            safety_factor,
            Tracking(scale_in_cooldown, scale_out_cooldown, disable_scale_in),
            predefined="SageMakerInferenceComponentInvocationsPerCopy",
            published=("InvocationsPerCopy", self._dimensions),
        )

    def on_concurrent_requests(
        self,
        per_copy: float,
        *,
        scale_in_cooldown: Duration | None = None,
        scale_out_cooldown: Duration | None = None,
        disable_scale_in: bool = False,
    ) -> None:
        """Keep the requests that a copy works on at once, those queued inside it included, near a number.

        The metric comes every 10 seconds, so that scaling out starts sooner than with requests per minute: the choice
        for models that take long to answer or stream their answers. Scaling in is no faster.

        Args:
            per_copy: Requests at once in each copy, above 0.
            scale_in_cooldown: Rest after removing copies. Default: 5 minutes.
            scale_out_cooldown: Rest after adding copies. Default: 5 minutes.
            disable_scale_in: Whether to only ever add copies. Default: False.

        Raises:
            ValueError: an argument is out of its range.

        See https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-add-code-define.html
        """
        self._target.follow(
            "ConcurrentRequests",
            check_positive("per_copy", per_copy),
            Tracking(scale_in_cooldown, scale_out_cooldown, disable_scale_in),
            predefined="SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution",
        )


def _on_lost_requests(component_name: str) -> Wake:
    """As https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html does it.

    But for the first lost request already: the page waits for a second one within the minute.
    """
    return Wake(
        metric_name="NoCapacityInvocationFailures",
        dimensions={"InferenceComponentName": component_name},
        statistic="Sum",
        aggregation="Maximum",
        evaluation_periods=1,
        cooldown=60,
    )
