"""The rule pack in a synth, and cdk-nag for the policy review."""
