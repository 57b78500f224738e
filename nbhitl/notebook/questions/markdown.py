"""Markdown of a stranger as HTML that does nothing: it loads nothing, runs nothing, and its links say where they lead.

Two belts: the tokens are cleaned before they are rendered (no HTML, no pictures, links to http and https only), and
what comes out passes an allow-list of elements and attributes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from nbhitl.notebook.questions.markup import whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from markdown_it.token import Token

MARKDOWN_CAP: Final = 20_000
"""Characters that are formatted."""
_ELEMENTS: Final = {
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s",
    "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES: Final = {"a": {"href", "target"}, "ol": {"start"}, "td": {"class"}, "th": {"class"}, "span": {"class"}}
_ALIGNED: Final = {"text-align:right": "nbh-right", "text-align:center": "nbh-middle"}


def markdown_html(text: str) -> str:
    """The text as safe HTML; what stands beyond `MARKDOWN_CAP` characters is said to be left out."""
    import nh3
    from markdown_it import MarkdownIt

    text = whole(text)
    reader = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    tokens = reader.parse(text[:MARKDOWN_CAP])
    for token in tokens:
        _aligned(token)
        if token.type == "fence":
            token.info = ""  # a language's name would become a class, which a page may look for
        if token.children:
            token.children = list(_inert(token.children))
    rendered = reader.renderer.render(tokens, reader.options, {})
    safe = nh3.clean(
        rendered,
        tags=_ELEMENTS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https"},
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )
    more = f'<p class="nbh-note">... ({len(text):,} characters)</p>' if len(text) > MARKDOWN_CAP else ""
    return f'<div class="nbh-markdown">{safe}{more}</div>'


def _aligned(token: Token) -> None:
    style = token.attrs.pop("style", None)
    if style in _ALIGNED:
        token.attrs["class"] = _ALIGNED[str(style)]


def _inert(tokens: Sequence[Token]) -> Iterator[Token]:
    """The same words without pictures, and without links to anything but pages of a named host."""
    from markdown_it.token import Token

    hosts: list[str] = []
    for token in tokens:
        match token.type:
            case "image":
                said = token.content or "no description"
                yield Token("text", "", 0, content=f"[picture: {said}]")
            case "link_open":
                hosts.append(_host(token.attrs.get("href")))
                if hosts[-1]:
                    token.attrs = {"href": token.attrs["href"], "target": "_blank"}
                    yield token
            case "link_close":
                host = hosts.pop() if hosts else ""
                if host:
                    yield token
                    yield from _said(host)
            case _:
                yield token


def _said(host: str) -> Iterator[Token]:
    """Where a link leads, in words: its text is whatever a stranger wrote."""
    from markdown_it.token import Token

    yield Token("text", "", 0, content=" ")
    yield Token("span_open", "span", 1, attrs={"class": "nbh-host"})
    yield Token("text", "", 0, content=f"({host})")
    yield Token("span_close", "span", -1)


def _host(address: Any) -> str:
    """The host of a whole http address; empty for every other one."""
    try:
        parts = urlsplit(str(address))
        return (parts.hostname or "") if parts.scheme in ("http", "https") else ""
    except ValueError:
        return ""
