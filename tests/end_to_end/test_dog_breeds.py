"""The second example: a model from the user's own bucket, called through a function."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Final

from aws_cdk import App

from stacks.dog_breeds import DogBreedsSettings, DogBreedsStack
from tests.end_to_end.assemblies import context
from tests.end_to_end.deployment import Deployment

STACK: Final = "DogBreeds"
SETTINGS: Final = DogBreedsSettings(bucket="amzn-s3-demo-bucket", key="dog-breeds/1/model.tar.gz", version="1")
# PyTorch is no part of this suite: the model says how long the picture is.
PROGRAM: Final = """
def model_fn(model_dir):
    return {}

def input_fn(body, content_type):
    return body

def predict_fn(data, model):
    return {"bytes": len(data)}

def output_fn(prediction, accept):
    import json
    return json.dumps(prediction), "application/json"
"""


def archive() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, text in (("code/inference.py", PROGRAM), ("model.pth", "weights")):
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return content.getvalue()


def test_the_second_example_is_deployed_called_and_destroyed(deployment: Deployment, tmp_path: Path) -> None:
    app = App(context=context(), outdir=str(tmp_path / "out"), builtin_cloud_formation_validation=False)
    DogBreedsStack(app, STACK, settings=SETTINGS)
    app.synth()
    s3 = deployment.client("s3")
    s3.create_bucket(Bucket=SETTINGS.bucket)
    s3.put_object(Bucket=SETTINGS.bucket, Key=SETTINGS.key, Body=archive())

    deployment.deploy(STACK, tmp_path / "out")
    (function,) = (value for name, value in deployment.outputs[STACK].items() if name == "FunctionName")
    picture = {"body": "aGVsbG8=", "isBase64Encoded": True, "headers": {"content-type": "image/jpeg"}}
    payload = deployment.client("lambda").invoke(FunctionName=function, Qualifier="live", Payload=json.dumps(picture))
    answer = json.loads(payload["Payload"].read())
    assert answer["statusCode"] == 200, answer
    assert json.loads(answer["body"]) == {"bytes": 5}

    deployment.destroy(STACK, tmp_path / "out")
    assert deployment.client("sagemaker").list_endpoints()["Endpoints"] == []
    assert s3.head_object(Bucket=SETTINGS.bucket, Key=SETTINGS.key)["ContentLength"] > 0
