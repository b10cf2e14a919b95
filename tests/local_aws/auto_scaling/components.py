"""The copies of inference components, read and set over SageMaker's API.

https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-add-code-register.html
"""

from __future__ import annotations

from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # ships no types

from tests.local_aws.auto_scaling.variants import BusyError, Capacity, GoneError, RefusedError, Variants, message


class Components:
    """Reads and sets the numbers of copies, in the account and region of the present scope.

    Args:
        variants: Has a client with the right to.
    """

    def __init__(self, variants: Variants) -> None:
        self._variants = variants

    def read(self, name: str) -> Capacity:
        """The number of copies that a component shall have.

        Raises:
            GoneError: there is no such component, or it is being deleted.
            BusyError: it is being made.
            RefusedError: SageMaker does not say.
        """
        try:
            found = self._variants.client().describe_inference_component(InferenceComponentName=name)
        except ClientError as error:
            if "Could not find" in str(error):
                raise GoneError(message(error)) from None
            self._variants.forget()  # the credentials may have ended
            raise RefusedError(message(error)) from None
        status = found["InferenceComponentStatus"]
        if status == "Deleting":
            raise GoneError(f"The inference component {name} is being deleted.")
        if status == "Creating":
            raise BusyError
        return Capacity(
            found["RuntimeConfig"]["DesiredCopyCount"],
            is_settled=status in {"InService", "Failed"},
            is_active=status == "InService",
            failure=found.get("FailureReason"),
        )

    def write(self, name: str, capacity: int) -> None:
        """Set the number of copies; SageMaker starts to carry it out.

        Raises:
            BusyError: the component is being changed.
            RefusedError: SageMaker refuses.
        """
        try:
            self._variants.client().update_inference_component_runtime_config(
                InferenceComponentName=name, DesiredRuntimeConfig={"CopyCount": capacity}
            )
        except ClientError as error:
            if "in-progress" in str(error):
                raise BusyError from None
            raise RefusedError(message(error)) from None
