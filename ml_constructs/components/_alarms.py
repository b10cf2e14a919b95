"""What makes the deployment of an inference component turn back."""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from ml_constructs._checks import is_token
from ml_constructs.endpoints.rollback import RollbackThresholds
from ml_constructs.interfaces.component import IInferenceComponent


def component_rollback_alarms(
    scope: Construct, component: IInferenceComponent, thresholds: RollbackThresholds
) -> dict[str, cloudwatch.Alarm]:
    """Alarms on errors and latency by name: literals, so that no reference orders them before the component."""
    # A share known only at deployment cannot be divided; the metric is multiplied instead.
    percent = is_token(thresholds.error_percent)
    errors = component.metric_invocation_5xx_errors(statistic="Average")
    watched: dict[str, tuple[cloudwatch.IMetric, float]] = {
        "5xx": (
            cloudwatch.MathExpression(expression="100 * errors", using_metrics={"errors": errors}, period=errors.period)
            if percent
            else errors,
            thresholds.error_percent if percent else thresholds.error_percent / 100,
        ),
        "latency": (component.metric_model_latency(), thresholds.latency_microseconds),
    }
    alarms = {}
    for kind, (metric, threshold) in watched.items():
        name = f"{component.component_name}-rollback-{kind}"
        alarms[name] = cloudwatch.Alarm(
            scope,
            f"Rollback-{kind}",
            alarm_name=name,
            alarm_description=f"Rolls back a deployment of inference component {component.component_name}: {kind}",
            metric=metric,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=3,
            datapoints_to_alarm=2,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
    return alarms
