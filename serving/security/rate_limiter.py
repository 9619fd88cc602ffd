"""How often one caller may call: a bucket of tokens per key, refilled at a steady rate."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

# Callers remembered at once; beyond it the one unseen for longest is forgotten (its bucket is full again).
REMEMBERED_CALLERS: Final = 10_000


@dataclass(frozen=True)
class Bucket:
    """What one caller may still send: tokens left at an instant of the monotonic clock, in seconds."""

    tokens: float
    at: float


@dataclass(frozen=True)
class RateLimit:
    """The rate allowed to one caller.

    Attributes:
        per_second: requests that may be sent steadily.
        burst: requests that may be sent at once after a rest.
    """

    per_second: float
    burst: int

    def take(self, bucket: Bucket | None, now: float) -> tuple[Bucket, float]:
        """Take one token; return the bucket afterwards and the seconds to wait (0: the request may pass)."""
        if bucket is None:
            tokens = float(self.burst)
        else:
            tokens = min(float(self.burst), bucket.tokens + max(now - bucket.at, 0.0) * self.per_second)
        if tokens >= 1.0:
            return Bucket(tokens - 1.0, now), 0.0
        return Bucket(tokens, now), (1.0 - tokens) / self.per_second


class RateLimiter:
    """The buckets of all callers of one worker."""

    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def seconds_to_wait(self, caller: str, now: float) -> int:
        """Return 0 when the request may pass, else whole seconds until the next may."""
        bucket, wait = self._limit.take(self._buckets.pop(caller, None), now)
        self._buckets[caller] = bucket
        if len(self._buckets) > REMEMBERED_CALLERS:
            self._buckets.popitem(last=False)
        return math.ceil(wait)
