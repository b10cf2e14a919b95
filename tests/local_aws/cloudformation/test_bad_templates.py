"""Malformed templates: refused with CloudFormation's words, before anything is made or with everything undone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3  # type: ignore[import-untyped]  # ships no types
import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # ships no types

from tests.local_aws.launcher import ACCOUNT, REGION, Cloud
from tests.local_aws.sagemaker_harness import READ, archive, until

TOPIC = {"Type": "AWS::SNS::Topic"}


def named(value: object, **attributes: object) -> dict[str, Any]:
    return {"Resources": {"A": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": value}, **attributes}}}


class Account:
    """Clients of one local cloud, and what its stacks have come to."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._session = boto3.session.Session()
        self.formation = self.client("cloudformation")

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 has no types
        return self._session.client(
            service,
            endpoint_url=self._cloud.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def put(self, call: str, stack: str, resources: dict[str, Any]) -> tuple[str, str]:
        """Create or update a stack; gives its status and the reasons of what failed."""
        body = json.dumps({"Resources": resources})
        getattr(self.formation, f"{call}_stack")(StackName=stack, TemplateBody=body)
        return until(lambda: self._settled(stack))

    def _settled(self, stack: str) -> tuple[str, str] | None:
        status = self.formation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        if status.endswith("IN_PROGRESS"):
            return None
        events = self.formation.describe_stack_events(StackName=stack)["StackEvents"]
        return status, " ".join(event.get("ResourceStatusReason", "") for event in events)


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with Cloud(home=tmp_path_factory.mktemp("home"), settings={"LOCAL_AWS_SPEED": "120"}) as cloud:
        yield Account(cloud)


MALFORMED: dict[str, tuple[object, str]] = {
    "neither JSON nor YAML": ("{ this is: [not", "Template format error: JSON not well-formed. (line 1, column 3)"),
    "broken YAML": ("Resources:\n  A: [", "Template format error: YAML not well-formed. (line 2, column 7)"),
    "an alias": (
        "Resources: {A: &a {Type: AWS::SNS::Topic}, B: *a}",
        "Template format error: YAML aliases are not allowed in CloudFormation templates",
    ),
    "empty": (" ", "Template format error: unsupported structure."),
    "text": ("hello", "Template format error: unsupported structure."),
    "a list": ("[1, 2]", "Template format error: unsupported structure."),
    "very deep": (
        '{"Resources": {"A": {"Type": "AWS::SNS::Topic", "Properties": ' + '{"A":' * 3_000 + "1" + "}" * 3_003,
        "Template format error: unsupported structure.",
    ),
    "no resources": ({"Parameters": {}}, "Template format error: At least one Resources member must be defined."),
    "empty resources": ({"Resources": {}}, "Template format error: At least one Resources member must be defined."),
    "resources in a list": ({"Resources": [TOPIC]}, "[/Resources] 'Resources' must be an object"),
    "a resource that is text": ({"Resources": {"A": "x"}}, "[/Resources/A] resource definition is malformed"),
    "no type": (
        {"Resources": {"A": {"Properties": {}}}},
        "Template format error: [/Resources/A] Every Resources object must contain a Type member.",
    ),
    "properties in a list": ({"Resources": {"A": {**TOPIC, "Properties": []}}}, "Properties must be an object"),
    "a logical id": ({"Resources": {"A-b": TOPIC}}, "Template format error: Resource name A-b is non alphanumeric."),
    "an unknown section": (
        {"Resources": {"A": TOPIC}, "Colours": 1},
        "Invalid template property or properties [Colours]",
    ),
    "an unknown attribute": (named("x", Colour="red"), "Invalid template resource property 'Colour'"),
    "unknown types": (
        {"Resources": {"A": TOPIC, "B": {"Type": "AWS::SageMaker::Nothing"}, "C": {"Type": "AWS::No::Such"}}},
        "Template format error: Unrecognized resource types: [AWS::No::Such, AWS::SageMaker::Nothing]",
    ),
    "Ref to nothing": (
        named({"Ref": "Nothing"}),
        "Template format error: Unresolved resource dependencies [Nothing] in the Resources block of the template",
    ),
    "Sub of nothing": (
        named({"Fn::Sub": ["${Local}-${AWS::Region}-${!Not}-${Nothing.Arn}", {"Local": "x"}]}),
        "Unresolved resource dependencies [Nothing] in the Resources block",
    ),
    "DependsOn nothing": (named("x", DependsOn=["Nothing"]), "Unresolved resource dependencies [Nothing]"),
    "GetAtt of nothing": (
        named({"Fn::GetAtt": ["Nothing", "Arn"]}),
        "Template error: instance of Fn::GetAtt references undefined resource Nothing",
    ),
    "an output of nothing": (
        {"Resources": {"A": TOPIC}, "Outputs": {"O": {"Value": {"Ref": "Nothing"}}}},
        "Template format error: Unresolved resource dependencies [Nothing] in the Outputs block of the template",
    ),
    "an unknown condition": (named("x", Condition="Nothing"), "Unresolved condition dependency Nothing in the"),
    "If of nothing": (
        named({"Fn::If": ["Nothing", "a", "b"]}),
        "Template error: unresolved condition dependency Nothing in Fn::If",
    ),
    "an unknown function": (named({"Fn::Nope": "x"}), "Encountered unsupported function: Fn::Nope"),
    "a circle": (
        {"Resources": {"A": {**TOPIC, "DependsOn": "B"}, "B": {**TOPIC, "Properties": {"TopicName": {"Ref": "A"}}}}},
        "Circular dependency between resources: [A, B]",
    ),
    "a parameter without a value": (
        {"Parameters": {"P": {"Type": "String"}}, **named({"Ref": "P"})},
        "'P'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_template_is_refused_before_anything_is_made(account: Account, name: str) -> None:
    template, message = MALFORMED[name]
    body = template if isinstance(template, str) else json.dumps(template)
    change_set = {"StackName": "Malformed", "ChangeSetName": "c", "ChangeSetType": "CREATE", "TemplateBody": body}
    for call, request in (
        (account.formation.create_stack, {"StackName": "Malformed", "TemplateBody": body}),
        (account.formation.create_change_set, change_set),
    ):
        with pytest.raises(ClientError) as caught:
            call(**request)
        assert caught.value.response["Error"]["Code"] == "ValidationError"
        assert message in caught.value.response["Error"]["Message"]
    with pytest.raises(ClientError, match="does not exist"):
        account.formation.describe_stacks(StackName="Malformed")


def test_what_looks_like_a_reference_and_is_none_passes(account: Account) -> None:
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Deny", "Action": "*", "Resource": "${aws:username}", "Condition": {"Bool": {"a:b": "true"}}}
        ],
    }
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": policy}, "Metadata": {"Ref": "None"}}
    topic = {**TOPIC, "Condition": "Always", "Properties": {"TopicName": {"Fn::Sub": "a${!B}${AWS::StackName}${P}"}}}
    template = {
        "Parameters": {"P": {"Type": "String", "Default": "x"}},
        "Conditions": {"Always": {"Fn::Equals": [{"Ref": "P"}, "x"]}},
        "Resources": {"Role": role, "Topic": topic, "None": {**TOPIC, "DependsOn": ["Role", "Topic"]}},
        "Outputs": {"Out": {"Value": {"Fn::If": ["Always", {"Ref": "P"}, {"Ref": "AWS::NoValue"}]}}},
    }
    body = json.dumps(template)
    account.formation.validate_template(TemplateBody=body)
    change_set = {"StackName": "Sound", "ChangeSetName": "c", "ChangeSetType": "CREATE", "TemplateBody": body}
    assert account.formation.create_change_set(**change_set, Capabilities=["CAPABILITY_IAM"])["Id"]


def config(**variant: object) -> dict[str, Any]:
    whole: dict[str, Any] = {"VariantName": "A", "ModelName": "m", "InstanceType": "ml.m5.large"}
    whole |= {"InitialInstanceCount": 1, **variant}
    return {"Type": "AWS::SageMaker::EndpointConfig", "Properties": {"ProductionVariants": [whole]}}


def model(**properties: object) -> dict[str, Any]:
    role = f"arn:aws:iam::{ACCOUNT}:role/nobody"
    return {"Type": "AWS::SageMaker::Model", "Properties": {"ExecutionRoleArn": role, **properties}}


IMPOSSIBLE: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown instance type": (
        config(InstanceType="ml.huge.99xlarge"),
        "Value 'ml.huge.99xlarge' at 'productionVariants.1.member.instanceType' failed to satisfy constraint",
    ),
    "a model that does not exist": (config(), 'Could not find model "arn:aws:sagemaker:'),
    "a count that is no number": (
        config(InitialInstanceCount="many"),
        "Value of property InitialInstanceCount must be of type Integer",
    ),
    "no instances": (config(InitialInstanceCount=0), "Member must have value greater than or equal to 1"),
    "no variant": (
        {"Type": "AWS::SageMaker::EndpointConfig", "Properties": {"ProductionVariants": []}},
        "Member must have length greater than or equal to 1",
    ),
    "a variant that is text": (
        {"Type": "AWS::SageMaker::EndpointConfig", "Properties": {"ProductionVariants": ["x"]}},
        "must be an object",
    ),
    "variants that are text": (
        {"Type": "AWS::SageMaker::EndpointConfig", "Properties": {"ProductionVariants": "x"}},
        "Value of property ProductionVariants must be of type List",
    ),
    "no properties": ({"Type": "AWS::SageMaker::EndpointConfig"}, "Property ProductionVariants cannot be empty."),
    "no configuration": (
        {"Type": "AWS::SageMaker::Endpoint", "Properties": {}},
        "Property EndpointConfigName cannot be empty.",
    ),
    "an unknown property": (model(Colour="red"), "Encountered unsupported property Colour"),
    "an unknown property within": (
        model(PrimaryContainer={"Image": "i", "Colour": "red"}),
        "Encountered unsupported property Colour",
    ),
    "no container": (model(), "Containers or PrimaryContainer must be specified."),
    "a missing artefact": (
        model(PrimaryContainer={"Image": "i", "ModelDataUrl": "s3://none/model.tar.gz"}),
        "Could not access model data at s3://none/model.tar.gz. Please ensure that the role",
    ),
    "no URL of an artefact": (model(PrimaryContainer={"Image": "i", "ModelDataUrl": "nowhere"}), "pattern"),
}  # fmt: skip


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_what_cannot_be_made_rolls_back(account: Account, name: str) -> None:
    resource, reason = IMPOSSIBLE[name]
    stack = f"Impossible{list(IMPOSSIBLE).index(name)}"
    status, reasons = account.put("create", stack, {"First": TOPIC, "Bad": {**resource, "DependsOn": "First"}})
    assert status == "ROLLBACK_COMPLETE"
    assert reason in reasons
    assert account.client("sns").list_topics()["Topics"] == []


def test_an_endpoint_serves_through_bad_updates_and_takes_the_next_good_one(account: Account) -> None:
    s3, iam = account.client("s3"), account.client("iam")
    inference = b"def model_fn(d): return 'TAG'\ndef input_fn(b, t): return b\ndef predict_fn(d, m): return m\n"
    inference += b"def output_fn(p, a): return p, a\n"
    s3.create_bucket(Bucket="models")
    for key, body in {
        "one": archive({"code/inference.py": inference.replace(b"TAG", b"one")}),
        "two": archive({"code/inference.py": inference.replace(b"TAG", b"two")}),
        "corrupt": b"this is no archive",
        "broken": archive({"code/inference.py": b"def model_fn(d): raise RuntimeError('broken')"}),
    }.items():
        s3.put_object(Bucket="models", Key=f"{key}.tar.gz", Body=body)
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName="execution", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": [READ]})
    iam.put_role_policy(RoleName="execution", PolicyName="policy", PolicyDocument=policy)

    def resources(key: str, **variant: object) -> dict[str, Any]:
        container = {"Image": "image:1", "ModelDataUrl": f"s3://models/{key}.tar.gz"}
        name = {"Fn::GetAtt": ["Model", "ModelName"]}
        return {
            "Model": model(ExecutionRoleArn=role, PrimaryContainer=container),
            "Config": config(ModelName=name, **variant),
            "Endpoint": {
                "Type": "AWS::SageMaker::Endpoint",
                "Properties": {
                    "EndpointName": "served",
                    "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
                },
            },
        }

    def answer() -> bytes:
        body: bytes = (
            account.client("sagemaker-runtime").invoke_endpoint(EndpointName="served", Body=b"")["Body"].read()
        )
        return body

    assert account.put("create", "Served", resources("one"))[0] == "CREATE_COMPLETE"
    assert answer() == b"one"
    for bad, reason in (
        (resources("none"), "Could not "),
        (resources("corrupt"), "Failed to extract model data archive"),
        (resources("broken"), "did not pass the ping health check"),
        (resources("two", InstanceType="ml.unknown"), "Member must satisfy enum value set"),
    ):
        status, reasons = account.put("update", "Served", bad)
        assert status == "UPDATE_ROLLBACK_COMPLETE"
        assert reason in reasons
        assert answer() == b"one"
    assert account.put("update", "Served", resources("two"))[0] == "UPDATE_COMPLETE"
    assert answer() == b"two"
    sagemaker = account.client("sagemaker")
    assert len(sagemaker.list_models()["Models"]) == len(sagemaker.list_endpoint_configs()["EndpointConfigs"]) == 1
