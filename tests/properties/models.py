"""Models of every kind: one container, pipelines, direct invocation, many models behind one container."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any, Final

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr_assets as ecr_assets
from hypothesis import strategies as st

import ml_constructs as ml
from tests.constructs.builders import AnyData
from tests.properties.arguments import TEXT, Argument, Drawn, flag, mostly, name, or_token
from tests.properties.resources import (
    BUCKET,
    NETWORK,
    OTHER_REPOSITORY,
    OWN_REPOSITORY,
    REPOSITORY,
    ROLE,
    arn,
)

DIGEST: Final = f"sha256:{'0' * 64}"

X86: Final[dict[str, dict[str, str]]] = {
    "xgboost": {"name": "xgboost", "version": "3.0-5"},
    "sklearn": {"name": "sklearn", "version": "1.2-1"},
    "pytorch": {"name": "pytorch", "version": "2.6.0", "processor": "cpu"},
    "pytorch on GPU": {"name": "pytorch", "version": "2.6.0", "instance_type": "ml.g5.xlarge"},
    "chainer": {"name": "chainer", "version": "5.0.0", "processor": "cpu", "python_version": "py3"},
    "knn": {"name": "knn", "version": "1"},
}
ARM64: Final[dict[str, dict[str, str]]] = {
    "pytorch on Graviton": {"name": "pytorch", "version": "2.6.0", "processor": "arm64"}
}
STORED: Final[dict[str, Any]] = {
    "a digest": (REPOSITORY, {"digest": DIGEST}),
    "a tag": (REPOSITORY, {"tag": "v1"}),
    "a tag in an own repository": (OWN_REPOSITORY, {"tag": "2026-01-31"}),
    "a digest of another account": (OTHER_REPOSITORY, {"digest": DIGEST}),
}
BUILT: Final = "a directory"
PRIVATE: Final = "a private registry"

ARCHIVES: Final = ("nothing", "an archive", "a directory of files")
COPIED: Final = ("a prefix", "an object", "JumpStart")
MANY: Final = "many models"

_TEXTS: Final = st.text(st.characters(exclude_characters="$", exclude_categories=["Cs"]), max_size=20)
_NAMES: Final = st.text(string.ascii_letters + "_", min_size=2, max_size=10)
SMALL: Final = st.dictionaries(_NAMES, or_token(_TEXTS, TEXT), max_size=4)
LARGE: Final = Argument(
    mostly(SMALL, st.sampled_from(({"A" * 1024: "x" * 1024}, {f"NAME_{each}": "x" * 300 for each in range(100)}))),
    (
        *({"a b": "x"}, {"PORT": 5}, {"LONG": "x" * 1025}, {f"N{each}": "" for each in range(101)}),
        {f"N{each}": "x" * 1024 for each in range(32)},
    ),
)


def image(d: Drawn, *, arm64: bool = False, private: bool = False) -> ml.ContainerImage:
    """An image from anywhere, for one architecture."""
    published = {**X86, **ARM64} if d.odd() else ARM64 if arm64 else X86
    kind = d.pick("image", [*published, *STORED, BUILT, *([PRIVATE] if private or d.odd() else [])])
    if kind in published:
        return ml.ContainerImage.from_framework(**published[kind])
    if kind in STORED:
        repository, pinned = STORED[kind]
        return ml.ContainerImage.from_ecr(d.made(repository), **pinned)
    if kind == BUILT:
        platform = ecr_assets.Platform.LINUX_ARM64 if arm64 else None
        return ml.ContainerImage.from_asset(str(d.files / "image"), platform=platform)
    registry = ml.PrivateRegistry(image="registry.example.com:5000/team/model", connections=ec2.Peer.any_ipv4())
    return ml.ContainerImage.from_private_registry(registry, tag="v1")


def archive(d: Drawn) -> ml.ModelData:
    """An archive that SageMaker unpacks."""
    if d.one("in a bucket", st.booleans()):
        key = d.pick("key", ("v1/model.tar.gz", "v1.tar.gz"))
        return ml.ModelData.from_bucket(d.one("bucket", BUCKET), key, version="v1")
    return ml.ModelData.from_directory(d.files / "model")


def model_data(d: Drawn, kinds: Sequence[str]) -> AnyData | None:
    """What a container loads."""
    kind = d.pick("model_data", kinds)
    accept = {"accept_eula": d.one("accept_eula", flag())} if kind in COPIED else {}
    match kind:
        case "nothing":
            return None
        case "a prefix":
            return ml.ModelDataSource.from_prefix(d.one("bucket", BUCKET), "llm/v1", version="v1", **accept)
        case "an object":
            bucket, compressed = d.one("bucket", BUCKET), d.one("compressed", flag())
            key = "llm/v1/weights"
            return ml.ModelDataSource.from_object(bucket, key, version="v1", compressed=compressed, **accept)
        case "JumpStart":
            key = d.pick("key", ("huggingface/llm/v1.0.0/", "huggingface/llm/v1.0.0/model.tar.gz"))
            return ml.ModelDataSource.from_jumpstart(key, gated=d.one("gated", flag()), **accept)
        case "many models":
            prefix = d.pick("prefix", ("", "tenants/", "tenants/a"))
            return ml.MultiModelData.from_bucket(d.one("bucket", BUCKET), prefix, cache=d.one("cache", flag()))
    return archive(d)


def package(d: Drawn, **settings: Any) -> ml.PackagedContainer:  # noqa: ANN401 - arguments of every container
    """A container of a registry, or of AWS Marketplace."""
    marketplace = d.one("marketplace", flag())
    version = "" if marketplace else d.pick("version", ("/1", "/42"))
    return ml.PackagedContainer(
        package=arn(d.stack, "sagemaker", f"model-package/churn{version}", account="444455556666"),
        images=[image(d)],
        marketplace=marketplace,
        **d.some({"specification": name()}),
        **settings,
    )


def model(
    d: Drawn, construct_id: str, *, plain: bool = False, archives: bool = False, **shares: bool | None
) -> ml.Model:
    """A model of any kind.

    A plain one has one container of one model. One with archives runs without instances. One that shares instances has
    their isolation and architecture, and no network of its own.
    """
    d.say(f"model {construct_id}:")
    plain = plain and not d.odd()
    archives = archives and not d.odd()
    network = d.made(NETWORK) if not archives and not shares and d.chance(8) else None
    arm64 = bool(shares["arm64"]) if shares else not archives and d.chance(6)
    count = d.pick("containers", (2, 3, 15)) if not plain and d.chance(4) else 1
    direct = count > 1 and d.one("direct_invocation", st.booleans())
    named = direct or (count > 1 and d.one("hostnames", st.booleans()))
    many = not plain and not archives and d.chance(4)
    containers: list[ml.Container | ml.PackagedContainer] = []
    for index in range(count):
        settings = d.some({"environment": SMALL if count > 1 else LARGE})
        if named and not d.odd():
            settings["hostname"] = f"container-{index}"
        if not plain and not archives and not many and not arm64 and d.chance(8):
            containers.append(package(d, **settings))
            continue
        kinds = [MANY] if many and index == 0 else [*ARCHIVES, *([] if archives else COPIED)]
        chosen = image(d, arm64=arm64, private=network is not None)
        containers.append(ml.Container(image=chosen, model_data=model_data(d, kinds), **settings))
    if shares:
        isolated = shares["isolated"]
    else:
        product = any(isinstance(each, ml.PackagedContainer) and each.marketplace for each in containers)
        isolated = d.pick("network_isolation", (False,) if archives else (None, True, *(() if product else (False,))))
    return ml.Model(
        d.stack,
        construct_id,
        containers=containers,
        direct_invocation=direct,
        network=network,
        network_isolation=isolated,
        role=d.one("role", ROLE),
    )
