"""Pages as a scanner or a telephone sees them: rendered, turned, blurred, speckled, always the same way."""

from collections.abc import Sequence
from io import BytesIO
from time import struct_time

import numpy as np
from PIL import Image, ImageFilter, ImageOps
from PIL.Image import Resampling, Transform

from domains.invoices.reading import pdfium

WHITE = 241
"""From this level on a scanner takes the ground for white paper."""
STILL = struct_time((2026, 6, 1, 8, 0, 0, 0, 152, 0))
"""The clock reading written into scanned PDFs."""


def render(pdf: bytes, dpi: int = 200) -> list[Image.Image]:
    """Every page in grey."""
    with pdfium.open_bytes(pdf) as document:
        return [page.render(scale=dpi / 72, grayscale=True).to_pil().convert("L") for page in document]


def scanned(
    page: Image.Image, *, angle: float = 0.0, speckle: float = 3.0, blur: float = 0.5, seed: int = 1
) -> Image.Image:
    """A flatbed scan: slightly turned (degrees), a little soft, grey noise of `speckle` levels."""
    turned = page.rotate(angle, resample=Resampling.BICUBIC, fillcolor=255)
    return noisy(turned.filter(ImageFilter.GaussianBlur(blur)), speckle, seed)


def noisy(image: Image.Image, levels: float, seed: int) -> Image.Image:
    """Normal noise, `levels` grey levels wide."""
    pixels = np.asarray(image, dtype=np.float32)
    noise = np.random.default_rng(seed).normal(0, levels, pixels.shape)
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))


def bitonal(page: Image.Image, threshold: int = 150) -> Image.Image:
    """Black and white, as a fax or an archive scanner writes it."""
    return page.point([255 * (level > threshold) for level in range(256)]).convert("1")


def photo(page: Image.Image, seed: int = 1) -> Image.Image:
    """A telephone's photo of the page on a table: perspective, uneven light, noise."""
    margin = page.width // 14
    paper = ImageOps.expand(page.convert("RGB"), border=margin, fill=(121, 98, 77))
    full = paper.size
    corners = (0.012, 0.02, 0.0, 0.985, 0.985, 1.0, 1.0, 0.0)
    quad = tuple(c * full[i % 2] for i, c in enumerate(corners))
    bent = paper.transform(full, Transform.QUAD, quad, resample=Resampling.BICUBIC).rotate(
        1.4, fillcolor=(121, 98, 77), resample=Resampling.BICUBIC
    )
    rows = np.linspace(1.0, 0.80, full[1], dtype=np.float32)[:, None]
    columns = np.linspace(0.90, 1.0, full[0], dtype=np.float32)[None, :]
    light = np.repeat((rows * columns)[:, :, None], 3, axis=2) * np.array([1.0, 0.985, 0.94], dtype=np.float32)
    lit = np.asarray(bent, dtype=np.float32) * light + np.random.default_rng(seed).normal(0, 4, (full[1], full[0], 1))
    return Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.6))


def pdf_of(pages: Sequence[Image.Image], dpi: int = 200) -> bytes:
    """An image-only PDF."""
    out = BytesIO()
    rest = list(pages[1:])
    pages[0].save(
        out,
        "PDF",
        resolution=dpi,
        save_all=True,
        append_images=rest,
        creationDate=STILL,
        modDate=STILL,
        producer="Scanner",
    )
    return out.getvalue()


def png_of(page: Image.Image, dpi: int = 150) -> bytes:
    """Sixteen greys and a white ground, as scanner software cleans it, keep the file small."""
    out = BytesIO()
    cleaned = page.point([*range(WHITE), *[255] * (256 - WHITE)])
    cleaned.quantize(16, dither=Image.Dither.NONE).save(out, "PNG", optimize=True, dpi=(dpi, dpi))
    return out.getvalue()


def jpeg_of(page: Image.Image, quality: int = 62) -> bytes:
    """A photo as sent by telephone."""
    out = BytesIO()
    page.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()


def tiff_of(pages: Sequence[Image.Image], dpi: int = 200) -> bytes:
    """A multi-page TIFF, fax compression."""
    out = BytesIO()
    pages[0].save(out, "TIFF", save_all=True, append_images=list(pages[1:]), compression="group4", dpi=(dpi, dpi))
    return out.getvalue()


def jpeg_pdf_of(pages: Sequence[Image.Image], dpi: int = 150, quality: int = 45) -> bytes:
    """An image-only PDF of grey pages, JPEG inside."""
    out = BytesIO()
    rest = list(pages[1:])
    pages[0].save(
        out,
        "PDF",
        resolution=dpi,
        save_all=True,
        append_images=rest,
        quality=quality,
        creationDate=STILL,
        modDate=STILL,
    )
    return out.getvalue()
