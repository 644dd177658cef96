"""The event loop of commands that stay: uvloop's where it is installed, which takes a tenth less of the processor."""

import asyncio
from importlib.util import find_spec


def new_loop() -> asyncio.AbstractEventLoop:
    """A loop that is not yet running."""
    if find_spec("uvloop") is None:
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()
