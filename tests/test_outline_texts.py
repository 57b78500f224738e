"""What an outline looks like: as text for a terminal, as Mermaid and as DOT, whatever the names are."""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nbhitl.drawing import printable
from nbhitl.engine.records import END, START
from tests.recipes import AGAIN, DEEP, NAMES, Recipe, choose, drawn, hostile

REVIEW = Recipe(
    ("draft", "facts", "review", "publish"),
    "> draft,> facts,publish >",
    (("review", choose, {"publish": "publish", "revise": "draft", "again": "draft"}), ("publish", choose, None)),
    waiting=((("draft", "facts"), "review"),),
    subs={"facts": AGAIN},
    before=("publish", "facts/q"),
    after=("publish",),
    defer=("publish",),
)


class TestText:
    def test_a_graph_reads_from_top_to_bottom(self):
        assert drawn(REVIEW).draw_ascii() == (
            "START          --> draft\n"
            "               --> facts\n"
            "draft + facts  --> review\n"
            "review         ..> publish\n"
            "               ..> draft  [revise, again]\n"
            "publish        --> END\n"
            "               ..> ?      [choose may lead to any node]\n"
            "\n"
            "stops before: publish\n"
            "stops after: publish\n"
            "runs last: publish"
        )

    def test_an_opened_sub_graph_is_set_apart(self):
        assert drawn(REVIEW, True).draw_ascii().splitlines()[:9] == [
            "START              --> draft",
            "                   --> facts:START",
            "+- facts",
            "|  facts:START     --> facts:p",
            "|  facts:p         --> facts:q",
            "|  facts:q         ..> facts:p    [again]",
            "|                  ..> facts:END  [done]",
            "+-",
            "draft + facts:END  --> review",
        ]

    def test_a_sub_graph_in_a_sub_graph_is_set_apart_twice(self):
        assert drawn(DEEP, True).draw_ascii().splitlines()[2:9] == [
            "+- mid",
            "|  mid:a         --> mid:sub:p",
            "|  +- mid:sub",
            "|  |  mid:sub:p  --> mid:sub:q",
            "|  +-",
            "|  mid:sub:q     --> mid:z",
            "+-",
        ]

    def test_wide_letters_and_accents_keep_the_columns(self):
        lines = drawn(Recipe(("日本", "e\u0301", "abcde"), (("abcde", "日本"), ("日本", "e\u0301")))).draw_ascii()
        assert lines.splitlines()[:3] == ["日本   --> e\u0301", "e\u0301      --> END", "abcde  --> 日本"]

    def test_a_long_name_moves_its_own_line_only(self):
        long = "x" * 39
        lines = drawn(Recipe(("a", long), ((START, "a"), ("a", long)))).draw_ascii().splitlines()
        assert lines == [f"{'START':32}  --> a", f"{'a':32}  --> {long}", f"{long}  --> END"]

    def test_names_that_look_alike_get_numbers(self):
        graph = drawn(Recipe(("a b", "a\nb", "START"), ((START, "a b"), ("a b", "a\nb"), ("a\nb", "START"))))
        assert graph.draw_ascii().splitlines()[:4] == [
            "START      --> a b",
            "a b        --> a b (2)",
            "a b (2)    --> START (2)",
            "START (2)  --> END",
        ]

    def test_it_is_printed(self, capsys):
        graph = drawn(Recipe("a", "> a"))
        graph.print_ascii()
        assert capsys.readouterr().out == graph.draw_ascii() + "\n"

    @given(st.lists(st.text(), min_size=1, max_size=4, unique=True), st.text())
    def test_no_name_and_no_label_makes_a_line_or_a_trick(self, names, label):
        assume(not {START, END} & set(names))
        text = drawn(hostile(names, label), True).draw_ascii()
        plain = drawn(hostile([f"n{n}" for n in range(len(names))], "x" if label else ""), True).draw_ascii()
        assert len(text.splitlines()) == len(plain.splitlines())
        assert all(char.isprintable() for char in text.replace("\n", ""))


class TestMermaid:
    def test_a_graph_is_one_line_for_each_node_and_edge(self):
        assert drawn(REVIEW, True).draw_mermaid("LR", with_styles=False) == (
            "flowchart LR\n"
            '  n0(["START"])\n'
            '  n1("draft")\n'
            '  n6("review")\n'
            '  n7("publish<br/>● stops before and after")\n'
            '  n8(["END"])\n'
            '  u0("?")\n'
            '  j0((" "))\n'
            '  subgraph c0["facts"]\n'
            '    n2(["START"])\n'
            '    n3("p")\n'
            '    n4("q<br/>● stops before")\n'
            '    n5(["END"])\n'
            "  end\n"
            "  n0 --> n1\n"
            "  n0 --> n2\n"
            "  n6 -.-> n7\n"
            '  n6 -.->|"revise, again"| n1\n'
            "  n7 --> n8\n"
            "  n7 -.-> u0\n"
            "  n1 --- j0\n"
            "  n5 --- j0\n"
            "  j0 --> n6\n"
            "  n2 --> n3\n"
            "  n3 --> n4\n"
            '  n4 -.->|"again"| n3\n'
            '  n4 -.->|"done"| n5\n'
        )

    def test_styles_come_last(self):
        plain, styled = (drawn(REVIEW, True).draw_mermaid(with_styles=on) for on in (False, True))
        assert styled.startswith(plain)
        assert styled.endswith("  class j0 join\n  class u0 unknown\n  class c0 frame\n")

    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            ("fetch_data-2.csv", "fetch_data-2.csv"),
            ('a"b', "a#34;b"),
            ("_x_", "#95;x#95;"),
            ("1. x", "1#46; x"),
            ("fa:fa-car", "fa#58;fa-car"),
            ("<b>&amp;", "#60;b#62;#38;amp#59;"),
            ("`x`#35;", "#96;x#96;#35;35#59;"),
            ("日本 😀", "日本 😀"),
            ("ﬂ°60¶ß", "fl°60¶ ß"),
            ("a\nb", "a b"),
        ],
    )
    def test_a_name_is_text_and_nothing_else(self, name, shown):
        assert f'n1("{shown}")' in drawn(Recipe((name,), ((START, name),))).draw_mermaid()

    SHAPES = re.compile(
        r"flowchart TD|end|n\d+\(\[Q\]\)|[nu]\d+\(Q\)|subgraph c\d+\[Q\]|[njc]\d+ (-->|-\.->|---)(\|Q\|)? [nju]\d+"
    )

    @given(st.lists(st.text(), min_size=1, max_size=4, unique=True), st.text())
    def test_no_name_and_no_label_leaves_its_quotes(self, names, label):
        assume(not {START, END} & set(names))
        text = drawn(hostile(names, label), True).draw_mermaid(with_styles=False)
        for line in text.rstrip("\n").split("\n"):
            assert self.SHAPES.fullmatch(re.sub(r'"[^"]*"', "Q", line).strip()), line
        inside = "".join(re.findall(r'"([^"]*)"', text)).replace("<br/>", "")
        assert not set(inside) & set("<>[]{}|`\\$&%@*^~\n\r\u2028")
        assert re.fullmatch(r"([^#;]|#\d+;)*", inside)

    @pytest.mark.parametrize("name", NAMES)
    def test_the_corpus_does_not_change_the_lines(self, name):
        text, plain = (
            drawn(hostile([n, "b"], n), True).draw_mermaid(with_styles=False) for n in (name, "a" if name else "")
        )
        shapes = [re.sub(r'"[^"]*"', "Q", found) for found in (text, plain)]
        assert len(shapes[0].splitlines()) == len(shapes[1].splitlines())
        assert not re.search(r"click|href|style|classDef|%%|:::", shapes[0])


class TestDot:
    def test_nodes_of_a_sub_graph_are_in_its_cluster(self):
        text = drawn(DEEP, True).draw_dot()
        outer, inner = text.index("subgraph cluster_c0"), text.index("subgraph cluster_c1")
        assert text.index("n1 [") < outer < text.index("n2 [") < inner < text.index("n3 [") < text.index("n0 -> n1")
        assert "rankdir=LR" in drawn(DEEP).draw_dot("LR")

    @pytest.mark.skipif(shutil.which("dot") is None, reason="graphviz is not installed")
    @pytest.mark.parametrize("name", NAMES)
    def test_every_name_of_the_corpus_is_laid_out_as_text(self, name):
        graph = drawn(hostile([name, "b"], name), True)
        done = subprocess.run(
            ["dot", "-Tsvg"], input=graph.draw_dot().encode(), capture_output=True, check=True, timeout=20
        )
        assert done.stderr == b""
        svg = ET.fromstring(done.stdout)
        groups = [g.get("class") for g in svg.iter("{http://www.w3.org/2000/svg}g")]
        assert groups.count("node") == len(graph.nodes)
        assert groups.count("cluster") == 1
        shown = {" ".join((text.text or "").split()) for text in svg.iter("{http://www.w3.org/2000/svg}text")}
        assert {" ".join(printable(name).split()), "b", "START", "END", "● stops before"} <= shown
        assert {element.tag.rpartition("}")[2] for element in svg.iter()} <= {
            *("svg", "g", "title", "path", "polygon", "polyline", "text")
        }

    @given(st.text(min_size=1))
    def test_no_name_leaves_its_quotes(self, name):
        assume(name not in (START, END, "b"))
        text = drawn(hostile([name, "b"], name), True).draw_dot()
        bare = text.replace("\\\\", "").replace('\\"', "")
        assert "\n" not in "".join(bare.split('"')[1::2])
        outside = "".join(bare.split('"')[::2])
        assert re.fullmatch(r"[a-zA-Z0-9_ \n={}\[\],>.-]*", outside)


def test_a_chain_of_ten_thousand_nodes_is_written_down_at_once():
    names = tuple(f"n{n}" for n in range(10_000))
    graph = drawn(Recipe(names, ((START, names[0]), *pairwise(names))), True)
    assert len(graph.draw_ascii().splitlines()) == 10_001
    assert len(graph.draw_mermaid(with_styles=False).splitlines()) == 20_004
    assert graph.draw_dot().count("->") == 10_001
