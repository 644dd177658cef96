"""agentflow: narrow jobs, done reliably, priced by outcome. The words a pack author needs, each loaded when used."""

import lazy_loader

# The names stand in __init__.pyi, for this loader and for type checkers alike.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
