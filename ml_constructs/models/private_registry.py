"""Images in a Docker registry of one's own, which SageMaker reaches through the network of the model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aws_cdk import aws_sagemaker as sagemaker

from ml_constructs._checks import check_given, check_offers, check_pattern, check_type, is_token

if TYPE_CHECKING:
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_lambda as lambda_

_HOST: Final = r"[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?"
# https://distribution.github.io/distribution/spec/api/
_IMAGE: Final = rf"{_HOST}(:\d{{1,5}})?(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)+"
_HTTPS: Final = 443


@dataclass(frozen=True, kw_only=True)
class PrivateRegistry:
    """How SageMaker reaches a Docker registry, and who tells it the password.

    Args:
        image: Host, port if it is not 443, and repository, e.g. `registry.example.com:5000/team/model`.
        connections: The registry as security groups know it: a construct with connections, or an `ec2.Peer`. The
            model's security group is let out to it, and, if it is one, the registry's group lets it in.
        credentials: A function that returns `{"Credentials": {"Username": ..., "Password": ...}}`, for a registry that
            asks for them. The network needs an interface endpoint for Lambda. Default: none.

    Raises:
        ValueError: `image` is malformed, names a tag or a digest, or is in Amazon ECR.

    See https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-containers-inference-private.html
    """

    image: str
    connections: ec2.IConnectable
    credentials: lambda_.IFunction | None = None

    def __post_init__(self) -> None:
        check_type(str, image=self.image)
        check_given(connections=self.connections)
        check_offers("connections", "something with connections", connections=self.connections)
        check_offers("function_arn", "a function", credentials=self.credentials)
        check_pattern("image", self.image, _IMAGE, "host[:port]/repository of a registry, without tag or digest")
        if not is_token(self.image) and re.match(r"\d{12}\.dkr\.ecr[.-]", self.image):
            raise ValueError(f"image must not be in Amazon ECR, which from_ecr is for, got {self.image!r}")

    @property
    def port(self) -> int:
        """The port of the registry; 443 where the image is known only at deployment."""
        match = re.match(rf"{_HOST}:(\d+)/", self.image)
        return int(match[2]) if match and not is_token(self.image) else _HTTPS

    def render(self) -> sagemaker.CfnModel.ImageConfigProperty:
        """The registry as CloudFormation property."""
        model = sagemaker.CfnModel
        return model.ImageConfigProperty(
            repository_access_mode="Vpc",
            repository_auth_config=None
            if self.credentials is None
            else model.RepositoryAuthConfigProperty(repository_credentials_provider_arn=self.credentials.function_arn),
        )
