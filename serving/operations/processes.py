"""Child processes that lead a group of their own: how they are ended."""

from __future__ import annotations

import os
import signal
import subprocess


def end_process(child: subprocess.Popen[bytes], seconds: float) -> None:
    """Make sure that nothing of a child is left: it is terminated, and its whole group killed after so many seconds."""
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
