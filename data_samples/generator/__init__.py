"""The simulated world: customers with habits, their invoices, payments and letters, and the true odds."""

from data_samples.generator.bare import generate_bare_ledger
from data_samples.generator.mail_bank import sample_world_mail_ids
from data_samples.generator.settings import LEDGER_END, WorldSettings
from data_samples.generator.world import World, refuse_to_overwrite, simulate_world, write_world

__all__ = [
    "LEDGER_END",
    "World",
    "WorldSettings",
    "generate_bare_ledger",
    "refuse_to_overwrite",
    "sample_world_mail_ids",
    "simulate_world",
    "write_world",
]
