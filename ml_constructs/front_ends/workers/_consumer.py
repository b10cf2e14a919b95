"""The function behind a queue or a stream, with its alias and its metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from ml_constructs.front_ends._counted import Counted
from ml_constructs.front_ends.functions._function import (
    acknowledge_synchronous,
    allow_calls,
    endpoint_environment,
    runtime_function,
)
from ml_constructs.front_ends.workers._powertools import powertools_layer
from ml_constructs.front_ends.workers.worker import Worker
from ml_constructs.interfaces.component import IInferenceComponent
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.network.inference_network import InferenceNetwork
from ml_constructs.permissions import Permission

_COUNTED: Final = ("Processed", "Duplicates", "DeadLetters", "TransientFailures", "Latency")


class Consumer(Construct):
    """A function that calls one endpoint with each record of a batch, behind an alias.

    What reads for it uses the alias, which a deployment moves to the new version, code and configuration at once.

    Args:
        scope: The front end, whose path names the function in logs and metrics.
        construct_id: The id in `scope`.
        handler: The module of the handler in `consume_records`.
        endpoint: The endpoint to call.
        component: The inference component to call on it. None for an endpoint without.
        worker: How a batch is processed.
        network: Its subnets, or None.
        encryption_key: Encrypts variables and logs.
        concurrency: How many batches are processed at once.
        environment: Variables beside those of the endpoint and the worker.
        permissions: What the role may do beside calling the endpoint.
        gateways: Whether the function reaches what has a gateway endpoint.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        handler: str,
        endpoint: IEndpoint,
        component: IInferenceComponent | None,
        worker: Worker,
        network: InferenceNetwork | None,
        encryption_key: kms.IKey,
        concurrency: int | None,
        environment: Mapping[str, str],
        permissions: Sequence[Permission],
        gateways: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        # As in `FunctionFrontEnd`: a change of what no version contains must not publish one.
        self.node.set_context("@aws-cdk/aws-lambda:recognizeVersionProps", value=True)
        self._counted = Counted(front_end=scope, endpoint=endpoint, names=_COUNTED)
        made = runtime_function(
            self,
            packages=["consume_records", "invoke_endpoint"],
            handler=f"consume_records.{handler}.handle",
            purpose="Invokes one SageMaker endpoint with records, and stores the results",
            description=f"Processes the records of {scope.node.path}",
            environment={
                **endpoint_environment(endpoint, component, read_seconds=worker.read_seconds()),
                **worker.environment(),
                **environment,
                **self._counted.variables,
            },
            encryption_key=encryption_key,
            network=network,
            timeout=worker.limit(),
            memory_size=worker.memory_size,
            reserved_concurrency=concurrency,
            log_retention=worker.log_retention,
            permissions=permissions,
            layers=[powertools_layer(self)],
            gateways=gateways,
        )
        allow_calls(endpoint, component, policy=made.policy, network=network)
        acknowledge_synchronous(made.function)
        self.function: Final = made.function
        self.role: Final = made.role
        self.policy: Final = made.policy
        self.log_group: Final = made.log_group
        self.security_group: Final = made.security_group
        self.alias: Final = lambda_.Alias(self, "Alias", alias_name="live", version=self.function.current_version)

    def read(self, construct_id: str, **properties: Any) -> lambda_.CfnEventSourceMapping:  # noqa: ANN401 - of the L1
        """Let Lambda read a source for the alias; the function reports which records failed."""
        mapping = lambda_.CfnEventSourceMapping(
            self,
            construct_id,
            function_name=self.alias.function_arn,
            function_response_types=["ReportBatchItemFailures"],
            **properties,
        )
        # Lambda tries the role's permissions when it creates the mapping, and needs them until it has deleted it.
        mapping.node.add_dependency(self.policy)
        return mapping

    def metric(self, metric_name: str, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401 - of cloudwatch.Metric
        """A metric of the alias, under its official name.

        See https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
        """
        return self.alias.metric(metric_name, **options)

    def metric_errors(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Batches that ended in an error of the function itself, e.g. a timeout. Statistic: Sum."""
        return self.metric("Errors", **{"statistic": "Sum", **options})

    def metric_throttles(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Batches that waited because all reserved concurrency was in use. Statistic: Sum."""
        return self.metric("Throttles", **{"statistic": "Sum", **options})

    def metric_duration(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Time a batch takes, in milliseconds. Statistic: p99."""
        return self.metric("Duration", **{"statistic": "p99", **options})

    def metric_concurrent_executions(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Batches that are processed at once. Statistic: Maximum."""
        return self.metric("ConcurrentExecutions", **{"statistic": "Maximum", **options})

    def metric_records(self, metric_name: str, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """A metric of the records, as the function counts them.

        Args:
            metric_name: `Processed`, `Duplicates`, `DeadLetters`, `TransientFailures` or `Latency` in milliseconds.
            options: Further arguments of `cloudwatch.Metric`. Statistic: Sum.
        """
        return self._counted.metric(metric_name, **options)
