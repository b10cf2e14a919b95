"""Many models behind one container, loaded when they are asked for, and what AWS runs that on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from ml_constructs._checks import check_given, check_offers, check_type
from ml_constructs._environment import check_region
from ml_constructs.models._location import BoundModelData, as_prefix, check_url_length, read_prefix

# https://docs.aws.amazon.com/sagemaker/latest/dg/multi-model-support.html
MULTI_MODEL_IMAGES: Final = frozenset(
    {
        *("knn", "linear-learner", "mxnet", "pytorch", "randomcutforest", "sagemaker-tritonserver", "sklearn"),
        *("tensorflow", "xgboost"),
    }
)
MULTI_MODEL_GPU_TYPES: Final = frozenset(
    {
        *("ml.p2.xlarge", "ml.p3.2xlarge"),
        *(f"ml.{family}.{size}xlarge" for family in ("g4dn", "g5") for size in ("", "2", "4", "8", "16")),
    }
)


@dataclass(frozen=True)
class MultiModelData:
    """All archives below a prefix; each request names the one that it wants, `TargetModel`.

    Use `from_bucket`. SageMaker downloads an archive when it is first asked for, keeps it while there is room, and
    needs no deployment to serve one more. So unlike `ModelData` the template does not tell what is served: never
    overwrite an archive, whose old bytes instances may keep, but upload the new version beside it.

    See https://docs.aws.amazon.com/sagemaker/latest/dg/multi-model-endpoints.html
    """

    _bucket: s3.IBucket
    _prefix: str
    _cache: bool

    @staticmethod
    def from_bucket(bucket: s3.IBucket, prefix: str, *, cache: bool = True) -> MultiModelData:
        """Serve the archives below a prefix, in the region of the endpoint.

        Args:
            bucket: The bucket.
            prefix: The beginning of the keys, e.g. `tenants/`; a slash at the end is added, also to a token. Who may
                invoke the endpoint can ask for every archive below it. Empty: the whole bucket.
            cache: Whether models stay loaded after a request. Default: True. False is for many models that are rarely
                asked for twice.

        Raises:
            ValueError: `prefix` begins with a slash, or the URL is too long.

        See https://docs.aws.amazon.com/sagemaker/latest/dg/multi-model-caching.html
        """
        check_given(bucket=bucket)
        check_offers("bucket_name", "a bucket", bucket=bucket)
        check_type(str, prefix=prefix)
        check_type(bool, cache=cache)
        key = as_prefix(prefix)
        check_url_length("prefix", bucket, key)
        return MultiModelData(_bucket=bucket, _prefix=key, _cache=cache)

    def bind(self, scope: Construct) -> BoundModelData:
        """Say where the archives are and how to read them."""
        bucket = self._bucket
        # A bucket that was imported by its name may be anywhere.
        check_region(scope, bucket=bucket if isinstance(bucket, s3.Bucket) else None)
        url = f"s3://{bucket.bucket_name}/{self._prefix}"
        setting = sagemaker.CfnModel.MultiModelConfigProperty(
            model_cache_setting="Enabled" if self._cache else "Disabled"
        )
        return BoundModelData(
            url=url,
            bucket=bucket,
            permissions=read_prefix(scope, bucket, self._prefix),
            properties={"mode": "MultiModel", "model_data_url": url, "multi_model_config": setting},
        )
