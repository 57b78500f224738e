"""Raster pictures of a question: a value -> the kind and bytes of an image that a page can show.

May not trust what a value calls itself, and makes no SVG. Drawings of graphs are `nbhitl.notebook.pictures.picture`.
"""

from __future__ import annotations

import binascii
import io
import struct
import zlib
from typing import Any, Final

PICTURE_CAP: Final = 10_000_000
"""Bytes of a picture that is sent to the page."""
TINY: Final = 160
"""Pixels: smaller pictures are enlarged to about this size."""


def picture(value: Any) -> tuple[str, bytes] | None:
    """Kind and bytes of a raster picture: of image bytes, a PIL image, a matplotlib figure, an array."""
    try:
        if isinstance(value, bytes | bytearray | memoryview):
            data = bytes(value)
        elif (made := _drawn(value)) is not None:
            data = made
        else:
            return None
    except Exception:  # noqa: BLE001 - a stranger's picture; it is shown as text then
        return None
    kind = _kind(data)
    return None if kind is None or len(data) > PICTURE_CAP else (kind, data)


def array_png(array: Any) -> bytes | None:
    """A numpy array of shape (h, w) or (h, w, 1 or 3 or 4) as PNG; None for other shapes and types.

    uint8 and bool are shown as they are, floats in 0..1 as black to white, other numbers from their least
    to their greatest value. Small ones are enlarged without blur, ones above 2,048 pixels a side thinned out.
    """
    import numpy as np

    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    layers = array.shape[2] if array.ndim == 3 else 1
    if array.dtype.kind not in "buif" or 0 in array.shape or layers not in (1, 3, 4):
        return None
    step = max(1, -(-max(array.shape[:2]) // 2_048))
    array = array[::step, ::step]
    if array.dtype.kind == "b":
        array = array.astype(np.uint8) * 255
    elif array.dtype != np.uint8:
        numbers = np.nan_to_num(array.astype(float), posinf=0.0, neginf=0.0)
        low, high = float(numbers.min()), float(numbers.max())
        if array.dtype.kind == "f" and low >= 0.0 and high <= 1.0:
            low, high = 0.0, 1.0
        array = np.round((numbers - low) * (255.0 / ((high - low) or 1.0))).astype(np.uint8)
    times = _times(*array.shape[:2])
    array = np.ascontiguousarray(array.repeat(times, 0).repeat(times, 1))
    height, width = array.shape[:2]
    colour = {1: 0, 3: 2, 4: 6}[layers]
    lines = b"".join(b"\0" + row.tobytes() for row in array)
    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    chunks = _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(lines)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _kind(data: bytes) -> str | None:
    """By the first bytes, as what a file calls itself cannot be trusted. No SVG: it can hold scripts."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    return "webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def _drawn(value: Any) -> bytes | None:
    room = type(value).__module__.split(".")[0]
    out = io.BytesIO()
    if room == "PIL" and hasattr(value, "resize"):
        times = _times(value.height, value.width)
        value = value.convert("RGBA" if "A" in value.getbands() else "RGB")
        value.resize((value.width * times, value.height * times), 0).save(out, "PNG")
        return out.getvalue()
    if room == "matplotlib" and hasattr(value, "savefig"):
        value.savefig(out, format="png", bbox_inches="tight")
        return out.getvalue()
    return array_png(value) if room == "numpy" and getattr(value, "ndim", 0) in (2, 3) else None


def _times(height: int, width: int) -> int:
    return max(1, round(TINY / max(height, width, 1)))


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", binascii.crc32(name + data))
