"""The SQL of a checkpoint file: one append-only journal, and documented views on it. Only text.

The names and columns of the views are stable for users. Times are TIMESTAMP in UTC, made from microseconds
(TIMESTAMPTZ would need pytz). ``at`` and ``by`` are reserved words in duckdb 2.0's grammar, so no column has
those names.
"""

from __future__ import annotations

from typing import Final

VERSION: Final = 2
"""Of the file. 1: entries without sub-graphs, and views that did not know them. Nothing that was stored then has to
be changed: a row says what it holds, and what it lacks has its default.
"""

COLUMNS: Final = (
    "seq",
    "graph",
    "thread",
    "ns",
    "branch",
    "kind",
    "checkpoint",
    "parent",
    "step",
    "task",
    "node",
    "key",
    "made_at",
    "bytes",
    "json",
)

TABLES: Final = (
    # No keys and no indexes: they make the file 5x larger and serve none of our queries.
    """CREATE TABLE journal (
        seq BIGINT NOT NULL, graph VARCHAR NOT NULL, thread VARCHAR NOT NULL, ns VARCHAR NOT NULL,
        branch INTEGER NOT NULL, kind VARCHAR NOT NULL, checkpoint VARCHAR, parent VARCHAR, step BIGINT,
        task VARCHAR, node VARCHAR, key VARCHAR, made_at BIGINT, bytes BLOB, json VARCHAR)""",
    """CREATE TABLE schema_migrations (
        version INTEGER NOT NULL, name VARCHAR NOT NULL, made_at TIMESTAMP NOT NULL)""",
)

_VIEWS: Final[tuple[tuple[str, str, str], ...]] = (
    (
        "threads",
        "Every thread as it stands now (its newest checkpoint); checkpoints counts all branches.",
        # The thread now is its newest checkpoint, whichever branch that is on.
        """WITH newest AS (
            SELECT graph, thread, max(seq) AS seq, max_by(checkpoint, seq) AS checkpoint, max_by(step, seq) AS
            step,
                count(*) AS checkpoints, min_by(made_at, seq) AS created
            FROM journal WHERE kind = 'checkpoint' AND ns = '' GROUP BY graph, thread),
        touched AS (
            SELECT graph, thread, max(made_at) AS updated, max(seq) AS last_seq
            FROM journal WHERE ns = '' AND kind NOT IN ('breakpoint', 'code') GROUP BY graph, thread),
        stops AS (
            SELECT j.graph, j.thread, max_by(j.kind, j.seq) AS kind, max_by(j.json, j.seq) AS json
            FROM journal j JOIN newest n ON j.graph = n.graph AND j.thread = n.thread AND j.checkpoint =
            n.checkpoint WHERE j.ns = '' AND j.kind IN ('stopped', 'continued') AND j.seq > n.seq GROUP BY
            j.graph, j.thread)
        SELECT n.graph, n.thread,
            CASE s.kind WHEN 'stopped' THEN json_extract_string(s.json, '$.reason') ELSE 'running' END AS
            status, n.step, n.checkpoint, n.checkpoints, make_timestamp(n.created) AS created_at,
            make_timestamp(t.updated) AS updated_at, t.last_seq
        FROM newest n JOIN touched t ON n.graph = t.graph AND n.thread = t.thread
            LEFT JOIN stops s ON s.graph = n.graph AND s.thread = n.thread
        ORDER BY t.last_seq DESC""",
    ),
    (
        "steps",
        "Every checkpoint of every branch, oldest first: which nodes ran, which come next, what changed.",
        """SELECT graph, thread, branch, step, checkpoint, parent, json_extract_string(json, '$.source') AS
        source,
            json_extract_string(json, '$.ran[*]') AS ran, json_extract_string(json, '$.next[*]') AS next,
            json_extract_string(json, '$.changed[*]') AS changed, make_timestamp(made_at) AS made_at, ns, seq
        FROM journal WHERE kind = 'checkpoint' ORDER BY seq""",
    ),
    (
        "state",
        "The value (JSON) of every key at every step of every branch, also of unchanged keys.",
        # An ASOF join finds the newest value row at or before each checkpoint: linear, where a range join is
        # not.
        """WITH points AS (SELECT * FROM journal WHERE kind = 'checkpoint'),
        vals AS (SELECT * FROM journal WHERE kind = 'value'),
        keys AS (SELECT DISTINCT graph, thread, ns, branch, key FROM vals),
        wanted AS (
            SELECT p.graph, p.thread, p.ns, p.branch, p.step, p.checkpoint, p.seq, k.key
            FROM points p JOIN keys k
                ON p.graph = k.graph AND p.thread = k.thread AND p.ns = k.ns AND p.branch = k.branch)
        SELECT w.graph, w.thread, w.branch, w.step, w.checkpoint, w.key, CAST(v.json AS JSON) AS value, w.ns,
        w.seq FROM wanted w ASOF JOIN vals v
            ON w.graph = v.graph AND w.thread = v.thread AND w.ns = v.ns AND w.branch = v.branch AND w.key =
            v.key AND w.seq >= v.seq
        WHERE v.bytes IS NOT NULL""",
    ),
    (
        "writes",
        "Every update that a node returned: one row a key, at the checkpoint where the node ran.",
        """SELECT graph, thread, branch, step, checkpoint, node, task,
            json_extract_string(item, '$[0]') AS key, json_extract(item, '$[1]') AS value, ns, seq
        FROM (SELECT *, unnest(json_extract(json, '$.updates[*]')) AS item FROM journal WHERE kind = 'wrote')
        ORDER BY seq""",
    ),
    (
        "interrupts",
        "Every question of every thread, on all branches: where it stands (status) and which sub-graph asks (ns).",
        # Only the rows of the thread itself: a question of a sub-graph is repeated there by the task that runs it
        # (ns in its JSON says for whom), and there it is answered. Ids are kept on branches, so a question is known
        # by its checkpoint and its id. A node that runs again asks again under the same id: the first row is the
        # question, and a row after one that superseded it opens it again. Status is as `Position.pending` says.
        """WITH asked AS (
            SELECT graph, thread, checkpoint, key, arg_min(branch, seq) AS branch, arg_min(step, seq) AS step,
                arg_min(task, seq) AS task, arg_min(node, seq) AS node, arg_min(json, seq) AS json,
                arg_min(made_at, seq) AS made_at, min(seq) AS seq, max(seq) AS last_seq
            FROM journal WHERE kind = 'asked' AND ns = '' GROUP BY graph, thread, checkpoint, key),
        answered AS (
            SELECT graph, thread, checkpoint, key, arg_min(coalesce(made_at, 0), seq) AS made_at
            FROM journal WHERE kind = 'answered' AND ns = '' GROUP BY graph, thread, checkpoint, key),
        superseded AS (
            SELECT graph, thread, checkpoint, key, max(seq) AS seq
            FROM journal WHERE kind = 'superseded' AND ns = '' GROUP BY graph, thread, checkpoint, key),
        done AS (SELECT DISTINCT graph, thread, checkpoint, task FROM journal WHERE kind = 'wrote' AND ns = '')
        SELECT q.graph, q.thread, q.branch, q.step, q.checkpoint, q.node, q.key AS interrupt,
            json_extract(q.json, '$.value') AS value, json_extract(q.json, '$.schema') AS schema,
            make_timestamp(q.made_at) AS asked_at, make_timestamp(a.made_at) AS answered_at,
            coalesce(json_extract_string(q.json, '$.ns'), '') AS ns, q.seq,
            CASE WHEN a.key IS NOT NULL THEN 'answered' WHEN s.seq > q.last_seq THEN 'superseded'
                WHEN d.task IS NOT NULL THEN 'closed' ELSE 'open' END AS status,
            make_timestamp(CAST(json_extract(q.json, '$.deadline') AS BIGINT)) AS deadline
        FROM asked q
            LEFT JOIN answered a ON q.graph = a.graph AND q.thread = a.thread AND q.checkpoint = a.checkpoint
                AND q.key = a.key
            LEFT JOIN superseded s ON q.graph = s.graph AND q.thread = s.thread AND q.checkpoint = s.checkpoint
                AND q.key = s.key
            LEFT JOIN done d ON q.graph = d.graph AND q.thread = d.thread AND q.checkpoint = d.checkpoint
                AND q.task = d.task
        ORDER BY q.seq""",
    ),
    (
        "pending_interrupts",
        "The questions that wait for an answer now: open at the newest checkpoint of their thread.",
        """SELECT i.graph, i.thread, i.step, i.node, i.interrupt, i.value, i.schema, i.asked_at, i.checkpoint,
            i.ns, i.deadline
        FROM interrupts i JOIN (
            SELECT graph, thread, max_by(checkpoint, seq) AS checkpoint
            FROM journal WHERE kind = 'checkpoint' AND ns = '' GROUP BY graph, thread) n
            ON i.graph = n.graph AND i.thread = n.thread AND i.checkpoint = n.checkpoint
        WHERE i.status = 'open' ORDER BY i.seq""",
    ),
    (
        "answers",
        "Every answer with its question, once a branch: who gave it (as claimed), through what, when, with which note.",
        """WITH first AS (
            SELECT graph, thread, checkpoint, key, arg_min(json, seq) AS json, arg_min(made_at, seq) AS made_at,
                min(seq) AS seq
            FROM journal WHERE kind = 'answered' AND ns = '' GROUP BY graph, thread, checkpoint, key)
        SELECT q.graph, q.thread, q.branch, q.step, q.checkpoint, q.node, q.interrupt, q.value AS question,
            json_extract(a.json, '$.value') AS answer, json_extract_string(a.json, '$.by') AS answered_by,
            json_extract_string(a.json, '$.via') AS via, json_extract_string(a.json, '$.note') AS note,
            q.asked_at, make_timestamp(a.made_at) AS answered_at, q.ns, a.seq
        FROM first a JOIN interrupts q ON q.graph = a.graph AND q.thread = a.thread
            AND q.checkpoint = a.checkpoint AND q.interrupt = a.key
        ORDER BY a.seq""",
    ),
    (
        "branches",
        "The lines of a thread: where each left its parent, its newest checkpoint, which is the current one.",
        """SELECT graph, thread, branch, arg_min_null(parent, seq) AS parent, arg_max(checkpoint, seq) AS
        checkpoint,
            min(step) AS first_step, arg_max(step, seq) AS step, count(*) AS checkpoints,
            max(seq) = max(max(seq)) OVER (PARTITION BY graph, thread, ns) AS current, ns
        FROM journal WHERE kind = 'checkpoint' GROUP BY graph, thread, ns, branch ORDER BY min(seq)""",
    ),
    (
        "breakpoints",
        "The breakpoints of each graph as they are set now: one row a node, with what was set (JSON).",
        """SELECT n.graph, e.key AS node, e.value AS spec
        FROM (SELECT graph, max_by(json, seq) AS json FROM journal WHERE kind = 'breakpoint' GROUP BY graph)
        n,
            json_each(n.json) e""",
    ),
)

VIEWS: Final[dict[str, str]] = {name: sentence for name, sentence, _ in _VIEWS}
"""View name to one sentence about it."""


_NOW: Final = "CAST(now() AT TIME ZONE 'UTC' AS TIMESTAMP)"


def statements() -> list[str]:
    """What makes an empty database a checkpoint file, in order."""
    return [*TABLES, *_views(), _made("first")]


def upgrade() -> list[str]:
    """What makes a file of an older version one of this version, in order: its rows stay as they are."""
    return [*_views(), _made("sub-graphs")]


def _views() -> list[str]:
    return [f"CREATE OR REPLACE VIEW {name} AS {sql}" for name, _, sql in _VIEWS]


def _made(name: str) -> str:
    return f"INSERT INTO schema_migrations VALUES ({VERSION}, '{name}', {_NOW})"  # noqa: S608 - our own constants
