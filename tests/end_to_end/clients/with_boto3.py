"""A model served and removed with boto3: with_boto3.py NAME MODEL_DATA ROLE. It knows nothing of a local cloud."""

import json
import sys
from pathlib import Path

import boto3  # type: ignore[import-untyped]  # ships no types

name, model_data, role = sys.argv[1:]
sagemaker, runtime = boto3.client("sagemaker"), boto3.client("sagemaker-runtime")

container = {"Image": "image:1", "ModelDataUrl": model_data}
sagemaker.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container)
variant = {"VariantName": "main", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 300})

answer = runtime.invoke_endpoint(
    EndpointName=name, ContentType="application/json", Body=json.dumps({"instances": [[1, 2, 3]]})
)
Path("answer.json").write_bytes(answer["Body"].read())

sagemaker.delete_endpoint(EndpointName=name)
sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 300})
sagemaker.delete_endpoint_config(EndpointConfigName=name)
sagemaker.delete_model(ModelName=name)
