"""The SQL of a checkpoint file: one append-only journal, and documented views on it. Only text.

The names and columns of the views are stable for users. Times are TIMESTAMP in UTC, made from microseconds
(TIMESTAMPTZ would need pytz). ``at`` and ``by`` are reserved words in duckdb 2.0's grammar, so no column has
those names.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from nbhitl.checkpoint.file import parts
from nbhitl.checkpoint.values.projection import CAP

VERSION: Final = 3
"""Of the file. 1: entries without sub-graphs, and views that did not know them. 2: a row for each value that changed,
beside the checkpoint's. 3: one row a checkpoint, lists that grew as their rest, and a chain of links.
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
    "chain",
)

TABLES: Final = (
    *parts.statements(),
    """CREATE TABLE schema_migrations (
        version INTEGER NOT NULL, name VARCHAR NOT NULL, made_at TIMESTAMP NOT NULL)""",
)

_MEMBER: Final = "'/properties/' || replace(replace(k, '~', '~0'), '/', '~1') || '/default'"
_MEMBERS: Final = f"[k FOR k IN json_keys(q.schema, '$.properties') IF json_exists(q.schema, {_MEMBER})]"
_BEFORE: Final = (
    f"coalesce(json_extract(q.schema, '$.default'), CASE WHEN len({_MEMBERS}) > 0 THEN"
    f" to_json(map_from_entries([(k, json_extract(q.schema, {_MEMBER})) FOR k IN {_MEMBERS}])) END)"
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
            FROM journal WHERE ns = '' AND kind NOT IN ('breakpoint', 'code', 'setting') GROUP BY graph, thread),
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
        "The value (JSON) of every key at every step of every branch; null where it has more than 256 KB of JSON.",
        # An ASOF join finds the newest change at or before each checkpoint: linear, where a range join is not.
        """WITH points AS (SELECT * FROM journal WHERE kind = 'checkpoint'),
        keys AS (SELECT DISTINCT graph, thread, ns, branch, key FROM stored_values),
        wanted AS (
            SELECT p.graph, p.thread, p.ns, p.branch, p.step, p.checkpoint, p.seq, k.key
            FROM points p JOIN keys k
                ON p.graph = k.graph AND p.thread = k.thread AND p.ns = k.ns AND p.branch = k.branch)
        SELECT w.graph, w.thread, w.branch, w.step, w.checkpoint, w.key, CAST(v.value AS JSON) AS value, w.ns,
            w.seq
        FROM wanted w ASOF JOIN stored_values v
            ON w.graph = v.graph AND w.thread = v.thread AND w.ns = v.ns AND w.branch = v.branch
            AND w.key = v.key AND w.seq >= v.seq
        WHERE NOT v.gone ORDER BY w.seq, w.key""",
    ),
    (
        "writes",
        "Every update that a node returned: one row a key, at the checkpoint where the node ran.",
        # The last write of a step stands in the row of the checkpoint that it led to. A list that was returned whole,
        # and is long, is only shown by the state.
        """WITH led AS (
            SELECT graph, thread, ns, parent, node, task, json_extract(json, '$.wrote[*]') AS items, seq FROM journal
            WHERE kind = 'checkpoint' AND task IS NOT NULL),
        places AS (SELECT graph, thread, ns, checkpoint, branch, step FROM journal WHERE kind = 'checkpoint'),
        wrote AS (
            SELECT graph, thread, branch, step, checkpoint, node, task, json_extract(json, '$.updates[*]') AS items,
                ns, seq
            FROM journal WHERE kind = 'wrote'
            UNION ALL
            SELECT l.graph, l.thread, p.branch, p.step, l.parent, l.node, l.task, l.items, l.ns, l.seq
            FROM led l JOIN places p ON l.graph = p.graph AND l.thread = p.thread AND l.ns = p.ns
                AND l.parent = p.checkpoint)
        SELECT graph, thread, branch, step, checkpoint, node, task,
            json_extract_string(item, '$[0]') AS key, json_extract(item, '$[1]') AS value, ns, seq
        FROM (SELECT *, unnest(items) AS item FROM wrote) ORDER BY seq""",
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
        done AS (
            SELECT DISTINCT graph, thread, CASE kind WHEN 'wrote' THEN checkpoint ELSE parent END AS checkpoint, task
            FROM journal WHERE ns = '' AND (kind = 'wrote' OR kind = 'checkpoint' AND task IS NOT NULL))
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
        # Begins with the questions, of which there are few: only their threads' newest checkpoints are looked for. No
        # checkpoint stands behind one that asks, so that what was written there has rows of its own.
        """WITH asked AS (
            SELECT graph, thread, checkpoint, key, arg_min(step, seq) AS step, arg_min(task, seq) AS task,
                arg_min(node, seq) AS node, arg_min(json, seq) AS json, arg_min(made_at, seq) AS made_at,
                min(seq) AS seq, max(seq) AS last_seq
            FROM journal WHERE kind = 'asked' AND ns = '' GROUP BY graph, thread, checkpoint, key),
        closed AS (
            SELECT graph, thread, checkpoint, key, max(seq) AS seq, bool_or(kind = 'answered') AS for_good
            FROM journal WHERE kind IN ('answered', 'superseded') AND ns = ''
            GROUP BY graph, thread, checkpoint, key),
        waiting AS (
            SELECT q.* FROM asked q LEFT JOIN closed c ON q.graph = c.graph AND q.thread = c.thread
                AND q.checkpoint = c.checkpoint AND q.key = c.key
            WHERE c.key IS NULL OR NOT c.for_good AND c.seq < q.last_seq),
        newest AS (
            SELECT j.graph, j.thread, max(j.seq) AS seq FROM journal j
            SEMI JOIN waiting w ON j.graph = w.graph AND j.thread = w.thread
            WHERE j.kind = 'checkpoint' AND j.ns = '' GROUP BY j.graph, j.thread)
        SELECT q.graph, q.thread, q.step, q.node, q.key AS interrupt, json_extract(q.json, '$.value') AS value,
            json_extract(q.json, '$.schema') AS schema, make_timestamp(q.made_at) AS asked_at, q.checkpoint,
            coalesce(json_extract_string(q.json, '$.ns'), '') AS ns,
            make_timestamp(CAST(json_extract(q.json, '$.deadline') AS BIGINT)) AS deadline
        FROM waiting q JOIN newest n ON q.graph = n.graph AND q.thread = n.thread AND q.seq > n.seq
            ANTI JOIN (SELECT graph, thread, checkpoint, task FROM journal WHERE kind = 'wrote' AND ns = '') d
            ON q.graph = d.graph AND q.thread = d.thread AND q.checkpoint = d.checkpoint AND q.task = d.task
        ORDER BY q.seq""",
    ),
    (
        "answers",
        "Every answer with its question, once a branch: by whom (as claimed), through what, when, and what was before.",
        # What a form was filled in with stands in the schema, as the default of the whole or of its parts.
        f"""WITH first AS (
            SELECT graph, thread, checkpoint, key, arg_min(json, seq) AS json, arg_min(made_at, seq) AS made_at,
                min(seq) AS seq
            FROM journal WHERE kind = 'answered' AND ns = '' GROUP BY graph, thread, checkpoint, key)
        SELECT q.graph, q.thread, q.branch, q.step, q.checkpoint, q.node, q.interrupt, q.value AS question,
            json_extract(a.json, '$.value') AS answer, json_extract_string(a.json, '$.by') AS answered_by,
            json_extract_string(a.json, '$.via') AS via, json_extract_string(a.json, '$.note') AS note,
            q.asked_at, make_timestamp(a.made_at) AS answered_at, q.ns, a.seq, {_BEFORE} AS before
        FROM first a JOIN interrupts q ON q.graph = a.graph AND q.thread = a.thread
            AND q.checkpoint = a.checkpoint AND q.interrupt = a.key
        ORDER BY a.seq""",  # noqa: S608 - our own constants
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
        "The breakpoints of each graph as they are set now: name, node (null for any), and what was set (JSON).",
        # Before there were several kinds of them, what was set stood under the name of the node.
        """SELECT n.graph, e.key AS breakpoint,
            CASE WHEN json_exists(e.value, '$.kind') THEN json_extract_string(e.value, '$.node') ELSE e.key END AS node,
            e.value AS spec
        FROM (SELECT graph, max_by(json, seq) AS json FROM journal WHERE kind = 'breakpoint' GROUP BY graph)
        n,
            json_each(n.json) e ORDER BY graph, breakpoint""",
    ),
    (
        "settings",
        "What was set for each graph (thread is empty) and thread: watched expressions, hits, names of branches.",
        """SELECT graph, thread, key AS name, CAST(json AS JSON) AS value
        FROM (SELECT *, row_number() OVER (PARTITION BY graph, thread, key ORDER BY seq DESC) AS nth FROM journal
            WHERE kind = 'setting')
        WHERE nth = 1 AND bytes IS NOT NULL ORDER BY graph, thread, name""",
    ),
    (
        "node_stats",
        "How often each node ran, failed and asked, over all threads and branches.",
        """SELECT graph, node, count(*) FILTER (kind IN ('wrote', 'checkpoint')) AS runs,
            count(*) FILTER (kind = 'failed') AS failures, count(*) FILTER (kind = 'asked') AS questions,
            approx_count_distinct(thread) AS threads
        FROM journal WHERE node IS NOT NULL AND node <> '__start__' AND kind IN
            ('wrote', 'checkpoint', 'failed', 'asked')
        GROUP BY graph, node ORDER BY graph, runs DESC, node""",
    ),
    (
        "size_report",
        "What each thread takes: checkpoints, rows, bytes of the values and of their JSON; the largest first.",
        """SELECT graph, thread, count(*) FILTER (kind = 'checkpoint') AS checkpoints, count(*) AS rows,
            CAST(sum(coalesce(octet_length(bytes), 0)) AS BIGINT) AS bytes,
            CAST(sum(coalesce(strlen(json), 0)) AS BIGINT) AS json_bytes
        FROM journal WHERE thread <> '' GROUP BY graph, thread ORDER BY bytes DESC""",
    ),
)

_PARTS: Final = "PARTITION BY graph, thread, ns, branch, key"
_HELPERS: Final = (
    (
        "stored_values",
        # Every change of a value, with the whole value after it. A list that grew is stored as its rest, so pieces are
        # put together from the last whole value on; where one of them has no JSON, or all are too long, there is none.
        f"""WITH points AS (SELECT graph, thread, ns, branch, seq, json FROM journal WHERE kind = 'checkpoint'),
        parts AS (
            SELECT p.graph, p.thread, p.ns, p.branch, p.seq, e.key, 'set' AS how, CAST(e.value AS VARCHAR) AS json
            FROM points p, json_each(p.json, '$.set') e
            UNION ALL
            SELECT p.graph, p.thread, p.ns, p.branch, p.seq, e.key, 'add', CAST(e.value AS VARCHAR)
            FROM points p, json_each(p.json, '$.add') e
            UNION ALL
            SELECT graph, thread, ns, branch, seq, key, 'gone', NULL
            FROM (SELECT *, unnest(json_extract_string(json, '$.gone[*]')) AS key FROM points)
            UNION ALL
            SELECT graph, thread, ns, branch, seq, json_extract_string(item, '$[0]'),
                CASE json_extract_string(item, '$[2]') WHEN '1' THEN 'set' ELSE 'add' END,
                CAST(json_extract(item, '$[1]') AS VARCHAR)
            FROM (SELECT *, unnest(json_extract(json, '$.wrote[*]')) AS item FROM points)
            WHERE json_extract_string(item, '$[2]') IN ('1', '2')),
        runs AS (SELECT *, count(*) FILTER (how <> 'add') OVER ({_PARTS} ORDER BY seq) AS run FROM parts),
        measured AS (
            SELECT *, sum(strlen(json)) OVER ({_PARTS}, run ORDER BY seq) AS total,
                bool_and(coalesce(json LIKE '[%', false)) OVER ({_PARTS}, run ORDER BY seq) AS whole
            FROM runs),
        joined AS (
            SELECT *, string_agg(CASE WHEN whole AND total <= {CAP} AND json <> '[]' THEN json[2:-2] END, ',')
                OVER ({_PARTS}, run ORDER BY seq) AS items
            FROM measured)
        SELECT graph, thread, ns, branch, key, seq, how = 'gone' AS gone,
            CASE WHEN how <> 'add' THEN json WHEN whole AND total <= {CAP} THEN '[' || coalesce(items, '') || ']' END
                AS value
        FROM joined""",  # noqa: S608 - our own constants
    ),
)
"""Views that the documented ones are made of."""

_MACROS: Final = (
    (
        "history",
        "thread_id",
        "history(thread): The checkpoints of a thread, newest first.",
        """SELECT s.graph, s.step, s.checkpoint, s.branch, s.source, s.ran, s.next, s.changed, s.made_at
        FROM steps s WHERE s.thread = thread_id AND s.ns = '' ORDER BY s.seq DESC""",
    ),
    (
        "diff",
        "thread_id, a, b",
        "diff(thread, a, b): The keys whose values differ between two checkpoints, given as ids or as step numbers.",
        """WITH places AS (
            SELECT graph, max(seq) FILTER (CAST(a AS VARCHAR) IN (checkpoint, CAST(step AS VARCHAR))) AS old,
                max(seq) FILTER (CAST(b AS VARCHAR) IN (checkpoint, CAST(step AS VARCHAR))) AS new
            FROM steps WHERE thread = thread_id AND ns = '' GROUP BY graph
            QUALIFY row_number() OVER (ORDER BY (old IS NOT NULL AND new IS NOT NULL) DESC, max(seq) DESC) = 1),
        mine AS (SELECT s.key, s.value, s.seq FROM state s WHERE s.thread = thread_id AND s.ns = ''),
        x AS (SELECT m.key, m.value FROM mine m, places p WHERE m.seq = p.old AND p.new IS NOT NULL),
        y AS (SELECT m.key, m.value FROM mine m, places p WHERE m.seq = p.new AND p.old IS NOT NULL)
        SELECT coalesce(x.key, y.key) AS key, x.value AS before, y.value AS after
        FROM x FULL JOIN y ON x.key = y.key WHERE x.value IS DISTINCT FROM y.value ORDER BY 1""",
    ),
)

VIEWS: Final[dict[str, str]] = {name: sentence for name, sentence, _ in _VIEWS}
"""View name to one sentence about it."""
MACROS: Final[dict[str, str]] = {name: sentence for name, _, sentence, _ in _MACROS}
"""Macro name to one sentence about it."""


ABOUT: Final = (
    "CREATE TABLE about (name VARCHAR NOT NULL, value VARCHAR NOT NULL)",
    "INSERT INTO about VALUES ('id', left(replace(CAST(uuid() AS VARCHAR), '-', ''), 16))",
)
"""What there is one of in a file: from the start a random id; and the `edition` of its views."""
RECORD: Final = "INSERT INTO schema_migrations VALUES (?, ?, CAST(now() AT TIME ZONE 'UTC' AS TIMESTAMP))"
"""Notes that the file has a version from now on: its number, and what is new in it."""


EDITION: Final = "INSERT INTO about VALUES ('views', ?)"
"""Notes the `edition` of the views that were made."""


def statements() -> list[str]:
    """What makes an empty database a checkpoint file; then its `EDITION` and its version (`RECORD`) are noted."""
    return [*TABLES, *ABOUT, *views()]


def edition() -> str:
    """A digest of the views of this version as this program makes them; a file's own is noted in ``about``."""
    return blake2b("\n".join(views()).encode(), digest_size=8).hexdigest()


def views() -> list[str]:
    """What makes the views and macros of this version, in place of older ones."""
    return [
        *(f"CREATE OR REPLACE VIEW {name} AS {sql}" for name, sql in _HELPERS),
        *(f"CREATE OR REPLACE VIEW {name} AS {sql}" for name, _, sql in _VIEWS),
        *(f"CREATE OR REPLACE MACRO {name}({given}) AS TABLE {sql}" for name, given, _, sql in _MACROS),
    ]
