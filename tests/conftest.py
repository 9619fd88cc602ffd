"""Workers of a test run share the machine: each keeps to one thread of numeric work.

The numeric libraries would start one thread per core in every worker, and threads that wait for each other spin: on two
cores a backtest takes eight times as long. Read by the libraries at their first import, hence here; the processes that
tests start inherit it. Tests on several threads say so themselves.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
