"""Uploaded files: what an answer holds of one, and what is wrong with it.

As plain data a file is ``{"name", "type", "content"}``, the content in base64. Its size is counted, never believed.
pydantic is imported on first use.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from nbhitl.run.limits import FILE_CAP
from nbhitl.run.places import places
from nbhitl.run.subschemas import Node
from nbhitl.run.wording import Path, in_megabytes

_LONGEST_NAME: Final = 255
"""Bytes of a file's name: what file systems take."""
_MEDIA_TYPE: Final = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(\s*;\s*[\w-]+=[^\x00-\x1f]*)*", re.ASCII)
_NOT_BASE64: Final = "must have its content in base64"
_TURNING: Final = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Characters that turn the direction of text: behind one, ``exe.txt`` reads as ``txt.exe``."""
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|com[1-9]|lpt[1-9])(\..*)?", re.IGNORECASE | re.ASCII)
"""Names that are devices on Windows."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that a person chose: ``interrupt("Which data?", response_schema=Upload)``, or a field of a class.

    >>> class Report(BaseModel):
    ...     data: Annotated[Upload, Upload.only(".csv", largest=1_000_000)]

    Its content is bytes: ``pd.read_csv(upload.open())``.
    """

    name: str
    """Its name without any folder: nothing that a file could be written outside of a folder with."""
    type: str
    """The media type that the person's browser believes it has (``text/csv``); may be empty."""
    content: bytes

    def __post_init__(self) -> None:
        if fault := _name_fault(self.name) or _type_fault(self.type):
            raise ValueError(f"an upload {fault}")

    def open(self) -> io.BytesIO:
        """The content as an open binary file."""
        return io.BytesIO(self.content)

    def text(self, encoding: str = "utf-8-sig") -> str:
        """The content as text. Raises UnicodeDecodeError for what is not of that encoding."""
        return self.content.decode(encoding)

    def __repr__(self) -> str:
        return f"Upload(name={self.name!r}, type={self.type!r}, content=<{in_megabytes(len(self.content))}>)"

    @staticmethod
    def only(*accepts: str, largest: int = FILE_CAP) -> Any:
        """What goes beside `Upload` in ``Annotated``: which files are taken.

        Args:
            accepts: endings (``.csv``) and media types (``image/png``, ``image/*``); none for any file.
            largest: bytes at most.
        """
        for kind in accepts:
            if not (kind.startswith(".") and len(kind) > 1) and not re.fullmatch(r"[\w.+-]+/([\w.+-]+|\*)", kind):
                raise ValueError(f"{kind!r} is neither an ending such as '.csv' nor a media type such as 'image/*'.")
        if largest < 1:
            raise ValueError("largest= is a number of bytes, at least 1.")
        return _Only(accepts, largest)

    @classmethod
    def of(cls, *accepts: str, largest: int = FILE_CAP) -> Any:
        """The schema of a file of these kinds: ``interrupt("CSV?", response_schema=Upload.of(".csv"))``.

        Takes the same as `Upload.only`.
        """
        return Annotated[cls, cls.only(*accepts, largest=largest)]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema as core

        members = {
            "name": core.typed_dict_field(core.str_schema()),
            "type": core.typed_dict_field(core.str_schema(), required=False),
            "content": core.typed_dict_field(core.str_schema()),
        }
        described = core.typed_dict_schema(members, extra_behavior="forbid")
        built = core.no_info_after_validator_function(_built, described)
        return core.json_or_python_schema(
            json_schema=built,
            python_schema=core.union_schema([core.is_instance_schema(cls), built]),
            serialization=core.plain_serializer_function_ser_schema(_plain),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: Any) -> dict[str, Any]:
        return {
            "type": "object",
            "x-file": True,
            "properties": {
                "name": {"type": "string"},
                "type": {"type": "string"},
                "content": {"type": "string", "contentEncoding": "base64"},
            },
            "required": ["name", "content"],
            "additionalProperties": False,
        }


@dataclass(frozen=True, slots=True)
class _Only:
    """Narrows an `Upload` in its JSON Schema, by which every answer is checked."""

    accepts: tuple[str, ...]
    largest: int

    def __get_pydantic_json_schema__(self, core: Any, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        return {**handler(core), "x-accepts": list(self.accepts), "x-largest": self.largest}


def file_contents(root: Node, plain: Any) -> frozenset[Path]:
    """Where in a plain answer the contents of files stand."""
    found = places(root, root, plain, lambda node: bool(node.get("x-file")))
    return frozenset((*where, "content") for where in found)


def file_faults(node: Node, plain: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with an uploaded file by its schema."""
    name, kind, content = plain.get("name"), plain.get("type", ""), plain.get("content")
    if not isinstance(name, str) or not isinstance(kind, str) or not isinstance(content, str):
        return  # told already: it is of the wrong shape
    yield from filter(None, (_name_fault(name), _type_fault(kind)))
    size, largest = _size(content), node.get("x-largest", FILE_CAP)
    if size is None:
        yield _NOT_BASE64
    elif size > largest:
        yield f"is too large: {in_megabytes(size)}, at most {in_megabytes(largest)} are taken"
    accepts = [str(each) for each in node.get("x-accepts", ())]
    if accepts and not any(_is_of(each, name, kind) for each in accepts):
        yield f"must be a file of one of these kinds: {', '.join(accepts)}"


def _is_of(accepted: str, name: str, kind: str) -> bool:
    if accepted.startswith("."):
        return name.lower().endswith(accepted.lower())
    media = kind.partition(";")[0].strip().lower()
    if accepted.endswith("/*"):
        return media.startswith(accepted[:-1].lower())
    return media == accepted.lower()


def _size(content: str) -> int | None:
    try:
        return len(base64.b64decode(content, validate=True))
    except (binascii.Error, ValueError):
        return None


def _type_fault(kind: Any) -> str | None:
    fits = isinstance(kind, str) and (not kind or (len(kind) <= _LONGEST_NAME and _MEDIA_TYPE.fullmatch(kind)))
    return None if fits else "must have a media type such as text/csv, or none"


def _name_fault(name: Any) -> str | None:
    if not isinstance(name, str) or not name.strip(". \t"):
        return "must have a name"
    if "/" in name or "\\" in name or re.match(r"[A-Za-z]:", name):
        return "must have a name without a folder"
    if any(unicodedata.category(c) in ("Cc", "Cs") or c in _TURNING for c in name):
        return "must have a name without control characters"
    if (length := len(name.encode())) > _LONGEST_NAME:
        return f"must have a name of at most {_LONGEST_NAME} bytes, this one has {length:,}"
    if _RESERVED.fullmatch(name):
        return "must not have the name of a device (on Windows): rename the file"
    return None


def _built(plain: Mapping[str, str]) -> Upload:
    if fault := _name_fault(plain["name"]) or _type_fault(plain.get("type", "")):
        raise ValueError(fault)
    try:
        content = base64.b64decode(plain["content"], validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(_NOT_BASE64) from None
    return Upload(plain["name"], plain.get("type", ""), content)


def _plain(upload: Upload) -> dict[str, str]:
    return {
        "name": upload.name,
        "type": upload.type,
        "content": base64.b64encode(upload.content).decode("ascii"),
    }
