"""The dunning policy: what to do about an open invoice, decided by facts, a policy file and a date."""

from serving.dunning.benefit import Deferred, NightPlan, fill_capacity, net_benefit
from serving.dunning.decide import decide
from serving.dunning.decision import Claim, Decision, NetBenefit, NextStep, Reason
from serving.dunning.facts import AccountFacts, Contact, PartPayment, ScoredInvoice, StepTaken
from serving.dunning.policy import Policy, PolicySpec
from serving.dunning.policy_file import DEFAULT_POLICY_PATH, load_policy, parse_policy
from serving.dunning.words import GATE_IDS, GRADES, SEGMENTS, Text

__all__ = [
    "DEFAULT_POLICY_PATH",
    "GATE_IDS",
    "GRADES",
    "SEGMENTS",
    "AccountFacts",
    "Claim",
    "Contact",
    "Decision",
    "Deferred",
    "NetBenefit",
    "NextStep",
    "NightPlan",
    "PartPayment",
    "Policy",
    "PolicySpec",
    "Reason",
    "ScoredInvoice",
    "StepTaken",
    "Text",
    "decide",
    "fill_capacity",
    "load_policy",
    "net_benefit",
    "parse_policy",
]
