"""A model served and removed with the SageMaker SDK: with_sagemaker_sdk.py NAME MODEL_DATA ROLE.

It knows nothing of a local cloud.
"""

import json
import sys
from pathlib import Path

# The SDK ships no types.
from sagemaker.core.deserializers import JSONDeserializer  # type: ignore[import-untyped]
from sagemaker.core.resources import Endpoint, EndpointConfig, Model  # type: ignore[import-untyped]
from sagemaker.core.serializers import JSONSerializer  # type: ignore[import-untyped]
from sagemaker.core.shapes import ContainerDefinition, ProductionVariant  # type: ignore[import-untyped]

name, model_data, role = sys.argv[1:]

container = ContainerDefinition(image="image:1", model_data_url=model_data)
model = Model.create(model_name=name, execution_role_arn=role, primary_container=container)
variant = ProductionVariant(variant_name="main", model_name=name, instance_type="ml.m5.large", initial_instance_count=1)
config = EndpointConfig.create(endpoint_config_name=name, production_variants=[variant])
endpoint = Endpoint.create(endpoint_name=name, endpoint_config_name=name)
endpoint.wait_for_status("InService", poll=1)

endpoint.serializer, endpoint.deserializer = JSONSerializer(), JSONDeserializer()
answer = endpoint.invoke({"instances": [[1, 2, 3]]}, content_type="application/json", accept="application/json")
Path("answer.json").write_text(json.dumps(answer.body))

endpoint.delete()
endpoint.wait_for_delete(poll=1)
config.delete()
model.delete()
