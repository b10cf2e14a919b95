"""How often an endpoint publishes which metrics.

https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch-enhanced-metrics.html
"""

from __future__ import annotations

from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_sagemaker as sagemaker

from ml_constructs._checks import check_choice, check_seconds, is_token

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-sagemaker-endpointconfig-metricsconfig.html
METRIC_SECONDS: Final = (10, 30, 60, 120, 180, 240, 300)


def check_frequency(frequency: Duration | None) -> None:
    """Raise `ValueError` unless SageMaker can publish metrics as often; None and tokens in seconds pass."""
    check_seconds("metric_frequency", frequency, METRIC_SECONDS[0], METRIC_SECONDS[-1])
    if frequency is not None and not is_token(frequency):
        check_choice("metric_frequency", frequency.to_seconds(), METRIC_SECONDS)


def metrics_config(
    frequency: Duration | None, *, enhanced: bool, detailed: bool | None
) -> sagemaker.CfnEndpointConfig.MetricsConfigProperty | None:
    """The settings as CloudFormation property; None where all are SageMaker's own."""
    if frequency is None and not enhanced and detailed is None:
        return None
    return sagemaker.CfnEndpointConfig.MetricsConfigProperty(
        metric_publish_frequency_in_seconds=None if frequency is None else frequency.to_seconds(),
        enable_enhanced_metrics=enhanced or None,
        enable_detailed_observability=detailed,
    )
