"""Pictures: PNG, JPEG and TIFF files, opened within bounds and given a size in points."""

import math
from io import BytesIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from domains.invoices.reading.opened import MAX_PAGES, Refused
from domains.invoices.reading.picture import Grey

MAX_PIXELS = 100_000_000
A4 = 842.0
"""Height in points that a picture without a known resolution is taken to have on its longer side."""
_ON_ITS_SIDE = 5
"""EXIF orientations from this one on swap width and height."""
FORMATS = ("PNG", "JPEG", "TIFF")

Image.MAX_IMAGE_PIXELS = None  # the size is held against MAX_PIXELS before anything is decoded


def sizes(data: bytes) -> list[tuple[float, float]]:
    """Width and height in points of every page; Refused where the picture is damaged or too large."""
    picture = _open(data)
    count = getattr(picture, "n_frames", 1) if picture.format == "TIFF" else 1
    if count > MAX_PAGES:
        raise Refused(
            "too_many_pages", f"The TIFF has {count} pages; at most {MAX_PAGES} are read. Send the invoice alone."
        )
    return [_size(_frame(picture, index)) for index in range(count)]


def grey(data: bytes, index: int, pixels: int) -> Grey:
    """The picture at a 0-based index, upright as its camera says and made smaller where it has more than `pixels`.

    Raises Refused where it is cut short or damaged.
    """
    picture = _frame(_open(data), index)
    excess = math.sqrt(picture.width * picture.height / pixels)
    try:
        picture.draft("L", (round(picture.width / excess), round(picture.height / excess)))
        picture.load()
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise _damaged() from error
    level = ImageOps.exif_transpose(_level(picture))
    level.thumbnail(_within(level.size, pixels), Image.Resampling.BOX)
    return np.asarray(level, dtype=np.uint8)


def _within(size: tuple[int, int], pixels: int) -> tuple[int, int]:
    shrink = min(1.0, math.sqrt(pixels / (size[0] * size[1])))
    return round(size[0] * shrink), round(size[1] * shrink)


def _open(data: bytes) -> Image.Image:
    try:
        return Image.open(BytesIO(data), formats=FORMATS)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise _damaged() from error


def _frame(picture: Image.Image, index: int) -> Image.Image:
    try:
        picture.seek(index)
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise _damaged() from error
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise Refused("too_many_pixels", f"The picture has {width} x {height} pixels. Scan it again at 300 dpi.")
    if min(width, height) < 30:
        raise Refused("too_small", f"The picture has {width} x {height} pixels: nothing can be read from it.")
    return picture


def _size(picture: Image.Image) -> tuple[float, float]:
    width, height = picture.size
    if _orientation(picture) >= _ON_ITS_SIDE:
        width, height = height, width
    dpi = float(picture.info.get("dpi", (0, 0))[0] or 0)
    points = 72 / dpi if 90 <= dpi <= 1200 else A4 / max(width, height)
    return width * points, height * points


def _orientation(picture: Image.Image) -> int:
    try:
        return int(picture.getexif().get(0x0112, 1))
    except (OSError, SyntaxError, ValueError, TypeError, EOFError) as error:
        raise _damaged() from error


def _level(picture: Image.Image) -> Image.Image:
    """As shades of grey, what is transparent on white."""
    if picture.mode.startswith("I;16") or picture.mode in ("I", "F"):
        values = np.asarray(picture, dtype=np.float64)
        top = max(float(values.max()), 1.0)
        return Image.fromarray((values * (255 / top)).clip(0, 255).astype(np.uint8))
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return picture.convert("L")


def _damaged() -> Refused:
    return Refused("damaged", "The picture is damaged or cut short. Ask the sender for an intact file.")
