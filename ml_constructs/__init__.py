"""AWS CDK constructs for Amazon SageMaker inference in production."""
