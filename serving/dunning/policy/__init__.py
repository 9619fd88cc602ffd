"""A policy file: its schema, its checks, and the proof that every invoice has exactly one route."""

from serving.dunning.policy.checked import Policy
from serving.dunning.policy.file import DEFAULT_POLICY_PATH, load_policy, parse_policy
from serving.dunning.policy.schema import PolicySpec

__all__ = ["DEFAULT_POLICY_PATH", "Policy", "PolicySpec", "load_policy", "parse_policy"]
