#!/usr/bin/env bash
# A model served and removed with the AWS CLI: with_aws_cli.sh NAME MODEL_DATA ROLE. It knows nothing of a local cloud.
set -euo pipefail
name=$1 model_data=$2 role=$3

aws s3 ls "$model_data"
aws sagemaker create-model --model-name "$name" --execution-role-arn "$role" \
    --primary-container "Image=image:1,ModelDataUrl=$model_data"
aws sagemaker create-endpoint-config --endpoint-config-name "$name" --production-variants \
    "VariantName=main,ModelName=$name,InstanceType=ml.m5.large,InitialInstanceCount=1"
aws sagemaker create-endpoint --endpoint-name "$name" --endpoint-config-name "$name"
aws sagemaker wait endpoint-in-service --endpoint-name "$name"

echo '{"instances": [[1, 2, 3]]}' > request.json
aws sagemaker-runtime invoke-endpoint --endpoint-name "$name" --content-type application/json \
    --body fileb://request.json answer.json

aws sagemaker delete-endpoint --endpoint-name "$name"
aws sagemaker wait endpoint-deleted --endpoint-name "$name"
aws sagemaker delete-endpoint-config --endpoint-config-name "$name"
aws sagemaker delete-model --model-name "$name"
