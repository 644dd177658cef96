"""Networks: the PP-OCRv6 models that the `rapidocr` wheel carries, run by onnxruntime on a few threads."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as _onnxruntime  # pyright: ignore[reportMissingTypeStubs] - ships none
from numpy.typing import NDArray

Floats = NDArray[np.float32]

onnxruntime: Any = _onnxruntime  # it ships no types

THREADS = 2
_DETECTOR = "PP-OCRv6_det_small.onnx"
_READER = "PP-OCRv6_rec_small.onnx"

_LATIN_END, _PRINT, _MONEY = "\u0180", ("\u2010", "\u2044"), ("\u20a0", "\u20cf")
_SIGNS = "\N{NUMERO SIGN}\N{TRADE MARK SIGN}\N{MINUS SIGN}\N{GREEK SMALL LETTER MU}\N{GREEK CAPITAL LETTER OMEGA}"


def find_text(picture: Floats) -> Floats:
    """Where there is text: `picture` is 1 x 3 x H x W from -1 to 1, the answer H x W from 0 to 1."""
    return _run(_session(_DETECTOR), picture)[0, 0]


def read_text(lines: Floats) -> Floats:
    """Which character stands where: `lines` is N x 3 x 48 x W, the answer N x steps x len(`alphabet`)."""
    return _run(_session(_READER), lines)[:, :, _columns()]


@cache
def alphabet() -> str:
    """The characters that are read, those of European print; the first stands for no character."""
    known = ["\0", *_characters(), " "]
    columns: list[int] = _columns().tolist()
    return "".join(known[column] for column in columns)


@cache
def _columns() -> NDArray[np.intp]:
    known: list[str] = [*_characters(), " "]
    return np.array([0, *(n for n, char in enumerate(known, 1) if _is_european(char))], dtype=np.intp)


def _is_european(char: str) -> bool:
    if len(char) != 1:
        return False
    return char < _LATIN_END or _PRINT[0] <= char <= _PRINT[1] or _MONEY[0] <= char <= _MONEY[1] or char in _SIGNS


@cache
def _characters() -> list[str]:
    meta: dict[str, str] = _session(_READER).get_modelmeta().custom_metadata_map
    return meta["character"].split("\n")


@cache
def _session(model: str) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = THREADS
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # the arena keeps the largest page ever seen
    return onnxruntime.InferenceSession(str(_models() / model), options, providers=["CPUExecutionProvider"])


def _models() -> Path:
    """The folder of the models; the code of `rapidocr` itself is never loaded."""
    spec = find_spec("rapidocr")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("Reading scans needs the package `rapidocr` (>= 3.10). Install it.", name="rapidocr")
    return Path(next(iter(spec.submodule_search_locations))) / "models"


def _run(session: Any, values: Floats) -> Floats:
    return session.run(None, {session.get_inputs()[0].name: values})[0]
