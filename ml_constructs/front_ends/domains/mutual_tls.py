"""Clients that prove who they are by a certificate, before they send a request."""

from __future__ import annotations

from dataclasses import dataclass
from types import NoneType

from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_s3 as s3

from ml_constructs._checks import check_given, check_offers, check_pattern, check_type


@dataclass(frozen=True, kw_only=True)
class MutualTls:
    """The authorities whose client certificates a domain accepts. API Gateway asks nobody whether one was revoked.

    Args:
        truststore: The bucket with the certificates of the authorities, in one PEM file. Who deploys must be able to
            read it.
        key: The file's key.
        version: The file's version in a versioned bucket. Without it, API Gateway does not notice a new file until the
            domain changes. Default: the latest at deployment.
        ownership_certificate: A public certificate of ACM that proves that the domain is yours, where the domain's own
            was imported or is of a private authority. Default: none.

    Raises:
        ValueError: `key` is empty, begins with a slash or is longer than 1,024 characters, or `version` is empty.

    See https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-mutual-tls.html
    """

    truststore: s3.IBucket
    key: str
    version: str | None = None
    ownership_certificate: acm.ICertificate | None = None

    def __post_init__(self) -> None:
        check_given(truststore=self.truststore)
        check_offers("bucket_name", "a bucket", truststore=self.truststore)
        check_type(str, key=self.key)
        check_type((str, NoneType), version=self.version)
        check_offers("certificate_arn", "a certificate", ownership_certificate=self.ownership_certificate)
        check_pattern("key", self.key, r"[^/](?s:.){0,1023}", "1 to 1,024 characters without a slash in front")
        check_pattern("version", self.version, r"\S{1,1024}", "the version of an object")
