"""Values of strangers that lie, raise or never end."""


class Raising:
    """Everything that is asked of it raises."""

    __hash__ = None

    def __repr__(self):
        raise ValueError("no text")

    def __eq__(self, other):
        raise ValueError("no judgement")

    def __len__(self):
        raise ValueError("no size")

    def __bool__(self):
        raise ValueError("no truth")


class Vague:
    """Compares to something that is neither true nor false."""

    __hash__ = None

    def __eq__(self, other):
        return Raising()


class LyingList(list):
    """Says of itself what is not so."""

    def __len__(self):
        return -7  # noqa: PLE0303 - the lie

    def __iter__(self):
        raise ValueError("no items")

    def __repr__(self):
        return "<script>alert(1)</script>" * 100_000


class LyingDict(dict):
    def items(self):
        raise ValueError("no items")

    def get(self, key, default=None):
        raise ValueError("no value")

    def __iter__(self):
        raise ValueError("no keys")


class LyingText(str):  # noqa: SLOT000
    def __len__(self):
        return 10**9

    def __str__(self):
        return "<b>not me</b>"

    def __repr__(self):
        raise ValueError("no text")


def endless():
    """A list that holds itself, twice."""
    found = [1]
    found += [found, found]
    return found


def deep(levels):
    found = []
    for _ in range(levels):
        found = [found]
    return found


def all_of_them():
    """One of each; new objects at each call."""
    return {
        "raising": Raising(),
        "vague": Vague(),
        "lying list": LyingList([1, 2]),
        "lying dict": LyingDict(a=1),
        "lying text": LyingText("abc"),
        "endless": endless(),
        "deep": deep(50_000),
        "number": 10**6_000,
        "escape": "\x1b[2J\u202ehidden",
        "class": Raising,
        "function": all_of_them,
    }
