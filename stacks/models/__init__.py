"""The models that the example stacks serve."""
