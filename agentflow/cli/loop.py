"""Commands that stay: their event loop, uvloop's where it is installed, and what they do once they are up."""

import asyncio
import gc
from importlib.util import find_spec


def new_loop() -> asyncio.AbstractEventLoop:
    """A loop that is not yet running."""
    if find_spec("uvloop") is None:
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()


def settle_down() -> None:
    """What is loaded by now stays: the garbage collector need not look at it again, nearly a tenth of the processor."""
    gc.collect()
    gc.freeze()
