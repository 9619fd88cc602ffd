"""When a receivable is settled: a state at a date, never final. The one place that says so.

A receivable is settled while what is allocated to it, as far as it is known, reaches its amount within tolerance. A
payment that bounces opens it again from the day on which that became known; a cash discount taken in time settles it
though some cents are missing; a write-off or a cancellation closes it without its being paid.
"""

from features.settlement.episodes import EPISODE_SCHEMA, settlement_episodes
from features.settlement.state import is_paid, settlement_at, still_open

__all__ = ["EPISODE_SCHEMA", "is_paid", "settlement_at", "settlement_episodes", "still_open"]
