"""What tests of asynchronous endpoints have in common."""

from __future__ import annotations

import json
import uuid
from typing import Any

from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # ships no types

from tests.local_aws.sagemaker_harness import READ, WRITE_LOGS, Emulator, until


class Async:
    """An asynchronous endpoint, its bucket, and a queue that hears what its topics hear."""

    def __init__(self, cloud: Emulator) -> None:
        self.cloud = cloud
        self.s3 = cloud.client("s3")
        self.s3.create_bucket(Bucket="work")
        self.key = cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
        self.topics = {kind: cloud.client("sns").create_topic(Name=kind)["TopicArn"] for kind in ("done", "failed")}
        self.messages: dict[str, list[dict[str, Any]]] = {kind: [] for kind in self.topics}
        self.queues = {kind: self._subscribe(kind, topic) for kind, topic in self.topics.items()}
        rights: list[dict[str, Any]] = [
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::work/in/*"},
            {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::work/out/*"},
            {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::work/lost/*"},
            {"Effect": "Allow", "Action": "sns:Publish", "Resource": list(self.topics.values())},
        ]
        self.role = cloud.role("asynchronous", READ, WRITE_LOGS, *rights)
        self.url = cloud.put_model("model.tar.gz")
        cloud.model("async", self.role, self.url, TAG="async")

    def _subscribe(self, kind: str, topic: str) -> str:
        sqs = self.cloud.client("sqs")
        url: str = sqs.create_queue(QueueName=kind)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        send = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [send | {"Resource": arn}]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        self.cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        return url

    def config(self, **members: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3
        """An AsyncInferenceConfig."""
        notification = {
            "SuccessTopic": self.topics["done"],
            "ErrorTopic": self.topics["failed"],
            "IncludeInferenceResponseIn": ["SUCCESS_NOTIFICATION_TOPIC"],
        }
        output = {
            "S3OutputPath": "s3://work/out",
            "S3FailurePath": "s3://work/lost/",
            "NotificationConfig": notification,
            "KmsKeyId": self.key,
        }
        return {
            "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 2},
            "OutputConfig": {name: value for name, value in (output | members).items() if value is not None},
        }

    def put(self, body: object) -> str:
        """A request in S3."""
        key = f"in/{uuid.uuid4()}"
        self.s3.put_object(Bucket="work", Key=key, Body=json.dumps(body))
        return f"s3://work/{key}"

    def invoke(self, endpoint: str, body: object = None, **members: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3
        """InvokeEndpointAsync with JSON in S3."""
        given = {"ContentType": "application/json", "InputLocation": self.put(body or {})} | members
        answer: dict[str, Any] = self.cloud.client("sagemaker-runtime").invoke_endpoint_async(
            EndpointName=endpoint, **{name: value for name, value in given.items() if value is not None}
        )
        return answer

    def get(self, url: str) -> dict[str, Any] | None:
        """An object, once there is one."""
        bucket, _, key = url.removeprefix("s3://").partition("/")
        try:
            found: dict[str, Any] = self.s3.get_object(Bucket=bucket, Key=key)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "NoSuchKey"  # noqa: PT017 - anything else is a failure
            return None
        return {**found, "Text": found["Body"].read().decode()}

    def answer(self, accepted: dict[str, Any]) -> dict[str, Any]:
        """The model's answer."""
        text = until(lambda: self.get(accepted["OutputLocation"]))["Text"]
        found: dict[str, Any] = json.loads(text)
        return found

    def heard(self, kind: str, inference_id: str) -> dict[str, Any]:
        """The message to a topic that a request led to."""
        sqs, url, heard = self.cloud.client("sqs"), self.queues[kind], self.messages[kind]

        def receive() -> dict[str, Any] | None:
            for one in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
                heard.append(json.loads(json.loads(one["Body"])["Message"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
            return next((one for one in heard if one.get("inferenceId") == inference_id), None)

        return until(receive)

    def count(self, endpoint: str, number: int) -> None:
        """Set the number of instances, and wait until that is so."""
        change = [{"VariantName": "A", "DesiredInstanceCount": number}]
        self.cloud.client("sagemaker").update_endpoint_weights_and_capacities(
            EndpointName=endpoint, DesiredWeightsAndCapacities=change
        )
        described = self.cloud.settle(endpoint)
        assert described["ProductionVariants"][0]["CurrentInstanceCount"] == number, described.get("FailureReason")
