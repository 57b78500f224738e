"""Looks for what must not stand in HTML that was made of a stranger's values."""

from html.parser import HTMLParser

VOID = {"img", "br", "hr"}
ELEMENTS = {
    "div", "span", "p", "table", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "img", "a", "code", "pre",
    "blockquote", "ul", "ol", "li", "em", "strong", "s", "del", "ins", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6",
}  # fmt: skip
ATTRIBUTES = {
    "class",
    "scope",
    "tabindex",
    "role",
    "aria-label",
    "aria-hidden",
    "title",
    "alt",
    "start",
    "rel",
    "target",
}


class Page(HTMLParser):
    """The elements, the addresses and the text of a piece of HTML, and everything that does not belong there."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.wrong, self.links, self.open, self.text = [], [], [], ""
        self.feed(text)
        self.close()
        self.wrong += [f"never closed: {tag}" for tag in self.open]

    def handle_starttag(self, tag, attrs):
        if tag not in ELEMENTS:
            self.wrong.append(f"element: {tag}")
        for name, value in attrs:
            if name == "href" and tag == "a":
                self.links.append(value)
                if not value.startswith(("http://", "https://")):
                    self.wrong.append(f"link: {value}")
            elif name == "src" and tag == "img":
                if not value.startswith(("data:image/png;base64,", "data:image/jpeg;base64,")):
                    self.wrong.append(f"address: {value}")
            elif name not in ATTRIBUTES:
                self.wrong.append(f"attribute: {tag} {name}={value}")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"out of place: /{tag}")

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        self.wrong.append(f"comment: {data}")

    def handle_decl(self, decl):
        self.wrong.append(f"declaration: {decl}")

    def handle_pi(self, data):
        self.wrong.append(f"instruction: {data}")
