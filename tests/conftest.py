"""Every run of the tests is the same run, however busy the machine.

Workers share the cores, and each keeps to one thread of numeric work. The numeric libraries would start one thread per
core in every worker, and threads that wait for each other spin: on two cores a backtest takes eight times as long. The
libraries read this at their first import, hence here; the processes that tests start inherit it. Tests on several
threads say so themselves.

Generated examples are derived from the test, not drawn afresh, and no example fails for being slow. To look for new
ones: `pytest --hypothesis-profile explore`.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

os.environ["ENCOURS_LANGUAGE"] = "en"  # whatever the machine speaks
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", settings.get_profile("explore"), derandomize=True)
settings.load_profile("same")
