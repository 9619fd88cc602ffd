"""The dunning policy: what to do about an open invoice, decided by facts, a policy file and a date."""

from serving.dunning.deciding.benefit import Deferred, NightPlan, fill_capacity, net_benefit
from serving.dunning.deciding.conversation import (
    CAPACITY,
    AccountDecision,
    Night,
    allocate_unapplied_credits,
    converse,
    decide_account,
    decide_night,
    decide_waiting,
)
from serving.dunning.deciding.decide import decide
from serving.dunning.deciding.facts import (
    AccountFacts,
    Contact,
    PartPayment,
    PersonOverride,
    ScoredInvoice,
    StepTaken,
)
from serving.dunning.decision import (
    Claim,
    Conversation,
    Decision,
    NetBenefit,
    NextStep,
    PersonDecides,
    Reason,
)
from serving.dunning.plans import Instalment, PlanBounds, PlanVerdict, check_plan, plan_bounds
from serving.dunning.policy.file import DEFAULT_POLICY_PATH, load_policy, parse_policy
from serving.dunning.policy.schema import Policy, PolicySpec
from serving.dunning.records import (
    DecisionRecord,
    Explained,
    account_to_json,
    decision_from_json,
    decision_to_json,
    read_records,
    score_to_json,
    write_records,
)
from serving.dunning.wording import Message, message_for
from serving.dunning.words import GATE_IDS, GRADES, SEGMENTS, Text

__all__ = [
    "CAPACITY",
    "DEFAULT_POLICY_PATH",
    "GATE_IDS",
    "GRADES",
    "SEGMENTS",
    "AccountDecision",
    "AccountFacts",
    "Claim",
    "Contact",
    "Conversation",
    "Decision",
    "DecisionRecord",
    "Deferred",
    "Explained",
    "Instalment",
    "Message",
    "NetBenefit",
    "NextStep",
    "Night",
    "NightPlan",
    "PartPayment",
    "PersonDecides",
    "PersonOverride",
    "PlanBounds",
    "PlanVerdict",
    "Policy",
    "PolicySpec",
    "Reason",
    "ScoredInvoice",
    "StepTaken",
    "Text",
    "account_to_json",
    "allocate_unapplied_credits",
    "check_plan",
    "converse",
    "decide",
    "decide_account",
    "decide_night",
    "decide_waiting",
    "decision_from_json",
    "decision_to_json",
    "fill_capacity",
    "load_policy",
    "message_for",
    "net_benefit",
    "parse_policy",
    "plan_bounds",
    "read_records",
    "score_to_json",
    "write_records",
]
