"""Tuning."""

from collections.abc import Sequence

from agentflow.engine.trust.figures import Rung, Tuned


def tuned(rungs: Sequence[str], bars: Sequence[float], bar: float = 0.0, about: str = "") -> Tuned:
    """A ladder as calibration.json keeps it."""
    kept = (Rung(source=s, bar=None if b > 1 else max(b, 0.0)) for s, b in zip(rungs, bars, strict=True))
    return Tuned(rungs=tuple(kept), bar=bar, about=about)
