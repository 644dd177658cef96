"""agentflow: narrow jobs, done reliably, priced by outcome. The words a pack author needs, each loaded when used."""

import lazy_loader  # pyright: ignore[reportMissingTypeStubs] - it ships no types

# The names stand in __init__.pyi, for this loader and for type checkers alike.
# pyright: reportUnknownVariableType=false
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
