"""Expressions for tests: made from the grammar at random, and hostile ones."""

from __future__ import annotations

import random
from collections.abc import Iterator

NAMES = {
    "n": 3,
    "m": -2,
    "x": 2.5,
    "flag": True,
    "nothing": None,
    "word": "tea",
    "text": "Green tea, black tea",
    "items": [3, 1, 2],
    "words": ["tea", "oolong", ""],
    "pair": (1, "a"),
    "bag": {1, 2, 3},
    "d": {"a": 1, "b": [1, 2]},
    "rows": [{"k": "a", "v": 1}, {"k": "b", "v": 5}],
    "empty": [],
}
_BINARY = ["+", "-", "*", "/", "//", "%", "&", "|", "^", "<<", ">>", "**"]
_COMPARE = ["<", "<=", ">", ">=", "==", "!=", "in", "not in", "is", "is not"]
_UNARY = ["-", "+", "~", "not "]
_CONSTANTS = ["0", "1", "2", "7", "1.5", "True", "None", "'tea'", "''", "'a'", "b'x'", "2j"]
_CALLS = [
    "len({})",
    "any({})",
    "all({})",
    "sum({})",
    "min({})",
    "max({})",
    "sorted({})",
    "abs({})",
    "bool({})",
    "str({})",
    "int({})",
    "float({})",
    "list({})",
    "tuple({})",
    "set({})",
    "dict({})",
    "round({}, 1)",
    "max({}, {})",
    "range({})",
    "min({}, default=0)",
    "sorted({}, reverse=True)",
    "isinstance({}, (int, str))",
    "isinstance({}, list)",
]
_METHODS = [
    "lower()",
    "upper()",
    "strip()",
    "startswith({})",
    "endswith('a')",
    "split()",
    "split({})",
    "count({})",
    "index({})",
    "get({})",
    "get({}, {})",
    "keys()",
    "values()",
    "items()",
    "find('a')",
    "replace('a', 'b')",
    "join({})",
    "isdigit()",
    "union({})",
    "issubset({})",
    "is_integer()",
    "title()",
    "splitlines()",
    "removeprefix('t')",
    "partition(' ')",
]


class Maker:
    """Makes expressions that the grammar allows; most of them have a value."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._bound: list[str] = []

    def text(self, depth: int = 4) -> str:
        pick, part = self._random.choice, self.text
        if depth <= 0 or self._random.random() < 0.15:
            return pick(_CONSTANTS) if self._random.random() < 0.35 else pick([*NAMES, *self._bound * 3])
        d = depth - 1
        match self._random.randrange(15):
            case 0 | 1:
                return f"({part(d)} {pick(_BINARY)} {part(d)})"
            case 2 | 3:
                return f"({part(d)} {pick(_COMPARE)} {part(d)})"
            case 4:
                return f"({part(d)} {pick(_COMPARE)} {part(d)} {pick(_COMPARE)} {part(d)})"
            case 5:
                return f"({part(d)} {pick(['and', 'or'])} {part(d)} {pick(['and', 'or'])} {part(d)})"
            case 6:
                return f"({pick(_UNARY)}{part(d)})"
            case 7:
                return f"({part(d)} if {part(d)} else {part(d)})"
            case 8:
                return f"{part(d)}[{pick([part(d), '0', '-1', ':2', '1:', '::-1', repr('a')])}]"
            case 9:
                brackets = pick(["[{}, {}]", "({}, {})", "{{{}, {}}}", "{{{}: {}}}"])
                return brackets.format(part(d), part(d))
            case 10 | 11:
                return self._filled(pick(_CALLS), d)
            case 12:
                return f"{part(d)}.{self._filled(pick(_METHODS), d)}"
            case 13:
                return self._comprehension(d)
            case _:
                return 'f"<{' + part(1).replace('"', "") + pick(["", "!r", "!s", ":>8", ":.2f"]) + '}>"'

    def _filled(self, shape: str, depth: int) -> str:
        return shape.format(*(self.text(depth) for _ in range(shape.count("{}"))))

    def _comprehension(self, depth: int) -> str:
        name = self._random.choice(["i", "k", "n"])
        source = self.text(depth)
        self._bound.append(name)
        part, test = self.text(depth), self.text(1)
        shape = self._random.choice(
            ["[{} for {} in {} if {}]", "{{{} for {} in {} if {}}}", "any({} for {} in {} if {})", "[{} for {} in {}]"]
        )
        made = shape.format(part, name, source, test)
        self._bound.pop()
        return made


HOSTILE = [
    "any(long)",
    "[n for n in long if n]",
    "set(long)",
    "{n: 0 for n in long}",
    "sum(vector)",
    "any(n > 10**7 for n in vector)",
    "list(vector)",
    "vector[:, None] * vector[None, :]",
    "vector ** vector ** 9",
    "all(objects)",
    "set(objects)",
    "[o for o in objects]",
    "objects == objects + []",
    "sorted(objects)",
    "max(long, objects)",
    "set(range(10**6))",
    "{i: i for i in range(10**6)}",
    "'-'.join(words * 10**5)",
    "[" + "a" + " for a in [(0, 0)]" + " for a in [(a, a)]" * 45 + "]",
    "len([" + "a" + " for a in [frac * frac]" + " for a in [a * a]" * 45 + "])",
    "len([" + "a" + " for a in [words * 9]" + " for a in [a + a]" * 45 + "])",
    "len([" + "a" + " for a in [[0, 0]]" + " for a in [[a, a]]" * 40 + " if a == [a]])",
    "{" + "a" + " for a in [(0, 0)]" + " for a in [(a, a)]" * 45 + "}",
    "str([" + "a" + " for a in [(0, 0)]" + " for a in [(a, a)]" * 45 + "])",
    "__import__('os').system('touch ./__nbhitl_pwned_')",
    "().__class__.__bases__[0].__subclasses__()",
    "word.__class__.__mro__[1].__subclasses__()",
    "[c for c in ().__class__.__base__.__subclasses__()]",
    "f'{word.__class__}'",
    "f'{word!r:{n}}'",
    "'{0.__class__}'.format(word)",
    "'{x}'.format_map(d)",
    "word.format.__globals__",
    "(lambda: word)()",
    "(x := 1)",
    "[x := 1]",
    "eval('1')",
    "exec('1')",
    "compile('1', '', 'eval')",
    "open('/etc/passwd').read()",
    "getattr(word, '__class__')",
    "vars()",
    "globals()['__builtins__']",
    "type(word)",
    "word.__init__.__globals__['sys'].modules['os'].system('true')",
    "print(word)",
    "input()",
    "breakpoint()",
    "(i for i in items).gi_frame.f_back.f_globals",
    "[*items]",
    "{**d}",
    "max(*items)",
    "dict(**d)",
    "max(items, key=len)",
    "await word",
    "(yield 1)",
    "(yield from items)",
    "[i async for i in items]",
    "[0 for word.x in items]",
    "[0 for items[0] in items]",
    "[0 for d['a'] in items]",
    "trip.secret",
    "trip._private",
    "trip.method()",
    "trip()",
    "trip[0]",
    "trip == 1",
    "trip < 1",
    "trip + 1",
    "len(trip)",
    "bool(trip)",
    "str(trip)",
    "f'{trip}'",
    "f'{trip!r:>9}'",
    "[i for i in trip]",
    "trip in items",
    "1 in trip",
    "{trip}",
    "{trip: 1}",
    "items[trip]",
    "hash(trip)",
    "-trip",
    "not trip",
    "sorted([trip, trip])",
    "sum([trip])",
    "int(trip)",
    "round(trip)",
    "abs(trip)",
    "range(trip)",
    "' '.join([trip])",
    "9**9**9",
    "2**10**8",
    "10**-10**8",
    "1<<10**10",
    "(1<<2000)<<2000",
    "'a'*10**10",
    "[0]*10**10",
    "10**10*[0]",
    "'ab'*n*10**9",
    "'%1000000000d' % 1",
    "'%.*f' % (10**9, 1.0)",
    "f'{n:1000000000}'",
    "f'{x:.999999999f}'",
    "[[[[[[[[0]*9]*9]*9]*9]*9]*9]*9]*9 == [[[[[[[[0]*9]*9]*9]*9]*9]*9]*9]*9",
    "str([[[[[[[0]*99]*99]*99]*99]*99]*99]*99)",
    "sorted([[[[[0]*99]*99]*99]*99, [[[[0]*99]*99]*99]*99])",
    "sum([[0]*999]*999, [])",
    "sum(i for i in range(10**6))",
    "[i for i in range(10**12)]",
    "1.5 in range(10**12)",
    "list(range(10**9))",
    "round(5, -10**9)",
    "round(5, 10**9)",
    "[0 for a in range(999) for b in range(999) for c in range(999)]",
    "int('9'*5000)",
    "int('f'*10**6, 16)",
    "{i*2305843009213693951 for i in range(30000)}",
    "{i*2305843009213693951: 0 for i in range(30000)}",
    "set([i*2305843009213693951 for i in range(30000)])",
    "bag.union([i*2305843009213693951 for i in range(30000)])",
    "d.keys() | [i*2305843009213693951 for i in range(30000)]",
    "dict([(i*2305843009213693951, 0) for i in range(30000)])",
    "{(a,b,c,e,f) for a in (-1,-2) for b in (-1,-2) for c in (-1,-2) for e in (-1,-2) for f in (-1,-2)}",
    "('a'*10**6).strip('b'*10**6+'a')",
    "('a'*10**6).replace('', 'a'*10**6)",
    "('a'*10**5).replace('a', 'b'*10**5)",
    "('a'*10**6).join('b'*10**6)",
    "' '.join(['a'*10**6]*10**6)",
    "('a'*10**6).split('a')",
    "('a '*499999).split()",
    "max(wide for i in range(9**6))",
    "any(wide == wide for i in range(9999))",
    "[wide + wide for i in range(9999)]",
    "sorted(sorted(wide) for i in range(9999))",
    "[w for w in [wide] if str(w) for v in wide if str(wide) == v]",
    "[str(w) for w in [1<<2000] for i in range(10**6)]",
    "str([1<<2000]*10**5)",
    "[w*w%w for w in [1<<999] for i in range(10**6)]",
    "'a' in ['a'*10**6]*10**6",
    "['b'*10**6]*10**5 == ['b'*10**6]*10**5",
    "dec.real",
    "int(dec)",
    "round(dec)",
    "f'{dec:f}'",
    "f'{dec:,}'",
    "dec**dec",
    "frac**10**9",
    "frac**-10**9",
    "int(frac)",
    "count.real",
    "[i for i in count]",
    "any(i for i in count)",
    "1.5 in count",
    "loop == loop",
    "str(loop)",
    "loop < loop",
    "sorted([loop, loop])",
    "[l for l in loop]",
    "(" * 300,
    "[" * 199 + "]" * 199,
    "-" * 999 + "1",
    "not " * 240 + "1",
    "1" + "+1" * 499,
    "1" + "**1" * 300,
    "f'" + "{n}" * 300 + "'",
    "1 if " * 150 + "1" + " else 1" * 150,
    "d" + ".a" * 450,
    "items" + "[0]" * 300,
    "n<" * 400 + "n",
    "0x" + "f" * 900,
    "1" * 990,
    "'\\N{BULLET}'",
    "'\\x'",
    "'\\d'",
    "\x00",
    "a\x00b",
    "\ud800",
    "'\ud800'",
    "é",
    "\uff4e",
    "n # comment",
    "n;n",
    "n\n+1",
    "\\",
    "\t\f n",
    "\ufeffn",
    "n if n",
    "lambda",
    "1_000_000",
    "0777",
    "1e999",
    "-1e999",
    "...",
    "Ellipsis",
    "__debug__",
    "NotImplemented",
    "n!r",
    "{",
    "}",
    "'",
    '"""',
    "t'{n}'",
    "print",
    "len",
    "sum(sum(sum(n)))",
    "str.upper(word)",
    "int.bit_length(n)",
    "word.upper",
    "word.encode()",
    "word.zfill(10**9)",
    "word.center(10**9)",
    "word.ljust(10**9)",
    "word.expandtabs(10**9)",
    "word.translate(d)",
    "items.append(1)",
    "items.clear()",
    "items.sort()",
    "d.pop('a')",
    "d.update(d)",
    "d.setdefault('z', 1)",
    "bag.add(9)",
    "d.clear()",
    "items.__len__()",
    "items.copy()",
    "module.path",
    "module.system('true')",
    "function.__globals__",
    "function.func_globals",
    "function()",
    "klass.mro()",
    "error.__traceback__",
    "error.with_traceback",
    "stream.read()",
    "[line for line in stream]",
    "1 in stream",
    "list(stream)",
]

_PIECES = [
    "__class__",
    ".",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "'",
    '"',
    "f'",
    "!r",
    ":",
    "**",
    "*",
    "<<",
    "10**9",
    " for i in ",
    " if ",
    " else ",
    "lambda:",
    ":=",
    "await ",
    "_",
    "\\",
    "\n",
    "\x00",
    "\u202e",
    "é",
    "wide",
    "trip",
    "count",
    "loop",
    "dec",
    "range(10**9)",
    "len(",
    "str(",
    "sorted(",
    "9999999999",
    "-",
    "not ",
    " in ",
    ",",
    "=",
    "==",
    "d.",
    "word.",
    "%",
    "@",
]


def mutated(seed: int, count: int) -> Iterator[str]:
    """Hostile texts, and sound ones, with pieces put in, taken out, doubled and exchanged."""
    chance = random.Random(seed)
    maker = Maker(seed)
    for _ in range(count):
        text = chance.choice(HOSTILE) if chance.random() < 0.6 else maker.text(3)
        for _ in range(chance.randrange(1, 5)):
            a, b = sorted((chance.randrange(len(text) + 1), chance.randrange(len(text) + 1)))
            match chance.randrange(5):
                case 0:
                    text = text[:a] + chance.choice(_PIECES) + text[a:]
                case 1:
                    text = text[:a] + text[min(b, a + 6) :]
                case 2:
                    text = (text[:b] + text[a:b] + text[b:])[:1100]
                case 3:
                    text = text[:a] + chance.choice(HOSTILE)[:60] + text[b:]
                case _:
                    before, after = (
                        chance.choice(["[", "(", "str(", "len(", "-", "not ", "f"]),
                        chance.choice(["]", ")", ""]),
                    )
                    text = before + text + after
        yield text
