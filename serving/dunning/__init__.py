"""The dunning policy: what to do about an open receivable, decided by facts, a policy file and a date."""

from features.words import GRADES, SEGMENTS
from serving.dunning.deciding.capacity import Deferred, NightPlan, fill_capacity
from serving.dunning.deciding.conversation import CAPACITY, AccountDecision, decide_customer
from serving.dunning.deciding.facts import (
    AccountFacts,
    Amounts,
    Case,
    Contact,
    DebtorStatement,
    FeedDay,
    PartPayment,
    PersonOverride,
    Promise,
    ScoredInvoice,
    StepTaken,
    TaskOpened,
)
from serving.dunning.deciding.facts.credits import OpenBalance, allocate_unapplied_credits
from serving.dunning.deciding.facts.freshness import FeedAge, feed_ages
from serving.dunning.deciding.night import Night, decide_night
from serving.dunning.deciding.steps.benefit import net_benefit
from serving.dunning.deciding.steps.overrides import hold_faults, sequence_faults
from serving.dunning.decision import (
    Claim,
    Conversation,
    ConversationItem,
    Decision,
    NetBenefit,
    NextStep,
    PersonDecides,
    Reason,
    receivable_id,
)
from serving.dunning.plans import Instalment, PlanBounds, PlanVerdict, check_plan, plan_bounds
from serving.dunning.policy import DEFAULT_POLICY_PATH, Policy, PolicySpec, load_policy, parse_policy
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
from serving.dunning.words import GATE_IDS

__all__ = [
    "CAPACITY",
    "DEFAULT_POLICY_PATH",
    "GATE_IDS",
    "GRADES",
    "SEGMENTS",
    "AccountDecision",
    "AccountFacts",
    "Amounts",
    "Case",
    "Claim",
    "Contact",
    "Conversation",
    "ConversationItem",
    "DebtorStatement",
    "Decision",
    "DecisionRecord",
    "Deferred",
    "Explained",
    "FeedAge",
    "FeedDay",
    "Instalment",
    "Message",
    "NetBenefit",
    "NextStep",
    "Night",
    "NightPlan",
    "OpenBalance",
    "PartPayment",
    "PersonDecides",
    "PersonOverride",
    "PlanBounds",
    "PlanVerdict",
    "Policy",
    "PolicySpec",
    "Promise",
    "Reason",
    "ScoredInvoice",
    "StepTaken",
    "TaskOpened",
    "account_to_json",
    "allocate_unapplied_credits",
    "check_plan",
    "decide_customer",
    "decide_night",
    "decision_from_json",
    "decision_to_json",
    "feed_ages",
    "fill_capacity",
    "hold_faults",
    "load_policy",
    "message_for",
    "net_benefit",
    "parse_policy",
    "plan_bounds",
    "read_records",
    "receivable_id",
    "score_to_json",
    "sequence_faults",
    "write_records",
]
