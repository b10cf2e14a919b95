"""Example stacks: constructs and grants, nothing else."""
