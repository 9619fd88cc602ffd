"""BentoML's time limit without its leak.

BentoML 1.4.39 starts a timer for every request and never cancels it, so that every finished request, with
its context, stays in memory until its time limit has passed. Here the timer is cancelled as soon as the
answer begins.
"""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from features.messages import localized
from serving.api.middleware import refuse
from serving.messages.refusals import RefusalError


class CancellingTimeout:
    """Gives a request so many seconds to begin its answer; 504 afterwards.

    Args:
        app: what answers.
        timeout: seconds.
    """

    def __init__(self, app: Any, timeout: float) -> None:
        self.app = app
        self.timeout = timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request within its time."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_begun = False

        async def send_and_stop_the_clock(message: Message) -> None:
            nonlocal is_begun
            if not is_begun:
                is_begun = True
                clock.reschedule(None)
            await send(message)

        try:
            async with asyncio.timeout(self.timeout) as clock:
                await self.app(scope, receive, send_and_stop_the_clock)
        except TimeoutError:
            if is_begun or not clock.expired():
                raise
            message = localized(
                "It took longer than {seconds:g} seconds. To do: send fewer invoices at a time.",
                seconds=self.timeout,
            )
            await refuse(RefusalError(504, "too_slow", message), scope)(scope, receive, send)


def use_cancelling_timeout() -> None:
    """Make BentoML's server use this time limit instead of its own."""
    from bentoml._internal.server.http import traffic

    traffic.__dict__["TimeoutMiddleware"] = CancellingTimeout
