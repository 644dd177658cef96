"""What a pack's tests and benchmarks need: fakes, faulty models over HTTP and in process; each loaded when used."""

import lazy_loader  # pyright: ignore[reportMissingTypeStubs] - it ships none

# The names stand in __init__.pyi, for this loader and for type checkers alike.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)  # pyright: ignore[reportUnknownVariableType] - as above
