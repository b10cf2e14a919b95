"""Every front end before one light model: what callers, messages, records, events and uploads go through."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from aws_cdk import App, CfnOutput, RemovalPolicy, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

import ml_constructs as ml

STACK: Final = "FrontEnds"
# Fails on the first of two requests that name the same `once`, as an endpoint does that is busy.
PROGRAM: Final = """
import json
from sagemaker_inference.errors import BaseInferenceToolkitError

LONGEST = 5

def model_fn(model_dir):
    return set()

def input_fn(body, content_type):
    try:
        data = json.loads(body)
        assert max(map(len, data["instances"])) <= LONGEST
        return {"sum": sum(map(sum, data["instances"])), "once": data.get("once")}
    except Exception as error:
        raise BaseInferenceToolkitError(400, "the body is not what the model takes", "") from error

def predict_fn(data, seen):
    once = data.pop("once")
    if once is not None and once not in seen:
        seen.add(once)
        raise RuntimeError("not this time")
    return data

def output_fn(prediction, accept):
    return json.dumps(prediction), "application/json"
"""
SCHEMA: Final = apigateway.JsonSchema(
    schema=apigateway.JsonSchemaVersion.DRAFT4,
    type=apigateway.JsonSchemaType.OBJECT,
    required=["instances"],
    additional_properties=False,
    properties={
        "instances": apigateway.JsonSchema(
            type=apigateway.JsonSchemaType.ARRAY,
            min_items=1,
            items=apigateway.JsonSchema(
                type=apigateway.JsonSchemaType.ARRAY,
                items=apigateway.JsonSchema(type=apigateway.JsonSchemaType.NUMBER),
            ),
        )
    },
)
QUOTA: Final = 120


class FrontEndsStack(Stack):
    """A synchronous and an asynchronous endpoint, and whatever can stand before them."""

    def __init__(self, scope: Construct, construct_id: str, *, model_directory: Path) -> None:
        super().__init__(scope, construct_id)
        self.key = ml.EncryptionKey(self, "Key")
        self.models = model_directory
        endpoint = ml.Endpoint(self, "Endpoint", variants=[self._variant("only")], encryption_key=self.key)
        self._add_apis(endpoint)
        self._add_queue(endpoint)
        self._add_stream(endpoint)
        self._add_workflow(endpoint)
        self._add_bulk()
        CfnOutput(self, "EndpointName", value=endpoint.endpoint_name)

    def _variant(self, name: str) -> ml.InstanceVariant:
        code = self.models / name / "code"
        code.mkdir(parents=True)
        (code / "inference.py").write_text(PROGRAM)
        image = ml.ContainerImage.from_framework("xgboost", version="3.0-5")
        data = ml.ModelData.from_directory(code.parent)
        model = ml.Model(self, f"Model-{name}", containers=[ml.Container(image=image, model_data=data)])
        return ml.InstanceVariant(name=name, model=model, instance_type="ml.m5.large", instance_count=1)

    def _add_apis(self, endpoint: ml.Endpoint) -> None:
        function = ml.RestApiFrontEnd(
            self, "FunctionApi", endpoint=endpoint, encryption_key=self.key, request_schema=SCHEMA
        )
        direct = ml.RestApiFrontEnd(
            self,
            "DirectApi",
            direct=ml.DirectIntegration(endpoint=endpoint),
            encryption_key=self.key,
            usage_plan=ml.UsagePlan(rate=100, burst=100, quota=QUOTA, period=apigateway.Period.DAY),
            cloud_watch_role=False,
        )
        direct.add_api_key("ApiKey")
        caller = iam.User(self, "Caller")
        for front_end in (function, direct):
            front_end.grant_execute(caller)
        CfnOutput(self, "CallerName", value=caller.user_name)
        for name, front_end in (("FunctionApiId", function), ("DirectApiId", direct)):
            CfnOutput(self, name, value=front_end.api.rest_api_id)

    def _add_queue(self, endpoint: ml.Endpoint) -> None:
        results = self._bucket("QueueResults")
        front_end = ml.QueueFrontEnd(
            self, "Queue", endpoint=endpoint, results=results, encryption_key=self.key, batch_size=5
        )
        CfnOutput(self, "QueueUrl", value=front_end.queue.queue_url)
        CfnOutput(self, "QueueDeadLetters", value=front_end.dead_letter_queue.queue_url)
        CfnOutput(self, "QueueResultsBucket", value=results.bucket_name)

    def _add_stream(self, endpoint: ml.Endpoint) -> None:
        results = self._bucket("StreamResults")
        delivery = ml.FirehoseDelivery(self, "Delivery", bucket=results, encryption_key=self.key)
        front_end = ml.StreamFrontEnd(
            self, "Stream", endpoint=endpoint, results=delivery, shards=2, encryption_key=self.key
        )
        CfnOutput(self, "StreamName", value=front_end.stream.stream_name)
        CfnOutput(self, "StreamDeadLetters", value=front_end.dead_letter_queue.queue_url)
        CfnOutput(self, "StreamResultsBucket", value=results.bucket_name)

    def _add_workflow(self, endpoint: ml.Endpoint) -> None:
        front_end = ml.WorkflowFrontEnd(self, "Workflow", endpoint=endpoint, retries=1, encryption_key=self.key)
        queue = front_end.on_messages()
        CfnOutput(self, "WorkflowArn", value=front_end.state_machine_arn)
        CfnOutput(self, "WorkflowQueueUrl", value=queue.queue_url)
        CfnOutput(self, "WorkflowDeadLetters", value=front_end.dead_letter_queue.queue_url)

    def _add_bulk(self) -> None:
        documents = ml.CaptureBucket(
            self, "Documents", encryption_key=self.key, access_logs=ml.LogBucket(self, "AccessLogs")
        )
        answers = sns.Topic(self, "Answers", master_key=self.key, enforce_ssl=True)
        ears = sqs.Queue(self, "Ears")
        answers.add_subscription(subscriptions.SqsSubscription(ears))
        CfnOutput(self, "EarsUrl", value=ears.queue_url)
        waiting = ml.AsyncInference(bucket=documents, success_topic=answers, error_topic=answers)
        endpoint = ml.Endpoint(
            self, "Async", variants=[self._variant("async")], asynchronous=waiting, encryption_key=self.key
        )
        front_end = ml.BulkInvokeFrontEnd(self, "Bulk", endpoint=endpoint, encryption_key=self.key)
        workflow = ml.WorkflowFrontEnd(
            self,
            "AsyncWorkflow",
            endpoint=endpoint,
            success_topic=answers,
            error_topic=answers,
            encryption_key=self.key,
        )
        CfnOutput(self, "UploadBucket", value=front_end.bucket.bucket_name)
        CfnOutput(self, "UploadPrefix", value=front_end.prefix)
        CfnOutput(self, "AsyncWorkflowArn", value=workflow.state_machine_arn)

    def _bucket(self, construct_id: str) -> s3.Bucket:
        return s3.Bucket(
            self, construct_id, encryption_key=self.key, enforce_ssl=True, removal_policy=RemovalPolicy.RETAIN
        )


def synthesise(directory: Path) -> Path:
    """Write an assembly of the stack into a new directory."""
    app = App(outdir=str(directory / "out"), builtin_cloud_formation_validation=False)
    FrontEndsStack(app, STACK, model_directory=directory / "models")
    app.synth()
    return directory / "out"
