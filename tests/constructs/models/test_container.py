from __future__ import annotations

import pytest
from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr

from ml_constructs.models.container import MAX_ENVIRONMENT_ENTRY, MAX_IMAGE, Container
from ml_constructs.models.images import ContainerImage
from ml_constructs.models.private_registry import PrivateRegistry
from tests.constructs.builders import XGBOOST, text


def environment(**variables: str) -> dict[str, str]:
    return dict(Container(image=XGBOOST, environment=variables).environment)


@pytest.mark.parametrize("hostname", ["a", "0-a", "a" * 63])
def test_accepts_hostnames(hostname: str) -> None:
    assert Container(image=XGBOOST, hostname=hostname).hostname == hostname


@pytest.mark.parametrize("hostname", ["", "-a", "a-", "a.b", "a" * 64, "a" + "-" * 62 + "b"])
def test_refuses_hostnames(hostname: str) -> None:
    with pytest.raises(ValueError, match=f"hostname must be at most 63 letters, .*, got '{hostname}'"):
        Container(image=XGBOOST, hostname=hostname)


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "A.B", "Ä", "A٣"])
def test_refuses_names_of_environment_variables(name: str) -> None:
    with pytest.raises(ValueError, match=f"environment must be named with letters, .*, got '{name}'"):
        Container(image=XGBOOST, environment={name: "x"})


def test_takes_a_hundred_environment_variables() -> None:
    hundred = {f"N{index}": "" for index in range(100)}
    assert len(environment(**hundred)) == 100
    with pytest.raises(ValueError, match="environment must have between 0 and 100 members, got 101"):
        environment(**hundred, One="")


def test_environment_entries_at_and_beyond_the_edge() -> None:
    edge = MAX_ENVIRONMENT_ENTRY
    environment(**{"N" * edge: "v" * edge})
    environment(N="ä" * (edge // 2))
    for name, value in (("N" * (edge + 1), ""), ("N", "v" * (edge + 1)), ("N", "ä" * (edge // 2) + "v")):
        with pytest.raises(ValueError, match="environment must have .* at most 1,024 bytes, got 1,025 bytes in 'N+'"):  # noqa: RUF043
            environment(**{name: value})


# Images.


def image(length: int) -> ContainerImage:
    frame = "registry.example.com/:v1"
    name = f"registry.example.com/{'r' * (length - len(frame))}"
    return ContainerImage.from_private_registry(PrivateRegistry(image=name, connections=ec2.Peer.any_ipv4()), tag="v1")


def test_the_uri_of_an_image_at_and_beyond_the_edge(stack: Stack) -> None:
    (bound,) = Container(image=image(MAX_IMAGE)).bind(stack).images
    assert len(bound.uri) == MAX_IMAGE
    with pytest.raises(ValueError, match="image must have a URI of at most 255 characters, got 256 or more"):
        Container(image=image(MAX_IMAGE + 1)).bind(stack)


def test_what_is_known_of_a_uri_at_synth_counts(stack: Stack) -> None:
    def bind(name: str) -> None:
        repository = ecr.Repository.from_repository_name(stack, f"R{len(name)}", name)
        Container(image=ContainerImage.from_ecr(repository, tag="v1")).bind(stack)

    known = len(".dkr.ecr../:v1")
    bind("r" * (MAX_IMAGE - known))
    bind(text(stack))
    with pytest.raises(ValueError, match="image must have a URI of at most 255 characters, got 256 or more"):
        bind("r" * (MAX_IMAGE - known + 1))


# What it becomes.


def test_names_are_those_that_tell_more_than_images_and_data(stack: Stack) -> None:
    assert Container(image=XGBOOST).bind(stack).names == ()
    assert Container(image=XGBOOST).bind(stack).data == ()
