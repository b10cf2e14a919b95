"""A user's app: ten lines a stack, in four environments."""

import json
from pathlib import Path

from aws_cdk import App, Environment, Stack

from ml_constructs import Container, ContainerImage, Endpoint, FunctionFrontEnd, InstanceVariant, Model, ModelData

flags = json.loads(Path("cdk.json").read_text())["context"]
account = "111122223333"
for name, context, env in (
    ("plain", {}, None),
    ("recommended", flags, None),
    ("us-gov-west-1", {}, Environment(account=account, region="us-gov-west-1")),
    ("cn-north-1", {}, Environment(account=account, region="cn-north-1")),
):
    app = App(context=context, outdir=name)
    stack = Stack(app, "App", env=env)
    image = ContainerImage.from_framework("xgboost", version="3.0-5")
    model = Model(stack, "Model", containers=[Container(image=image, model_data=ModelData.from_directory("model"))])
    endpoint = Endpoint(
        stack, "Endpoint", variants=[InstanceVariant(name="main", model=model, instance_type="ml.m5.large")]
    )
    endpoint.auto_scale(max_capacity=4).on_invocations(600)
    FunctionFrontEnd(stack, "Function", endpoint=endpoint)
    app.synth()
