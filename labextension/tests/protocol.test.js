import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isProblem, readAnswer, readGraph } from '../lib/protocol.js';
import { isSame } from '../lib/reading.js';

const MARKER = { sign: '=', log: false, enabled: true, known: true, said: 'before draft, if n > 3' };
const POINT = {
  id: 'before draft',
  kind: 'before',
  target: '',
  branch: null,
  condition: 'n > 3',
  hits: '',
  log: '',
  once: false,
  enabled: true
};
const NODE = {
  id: 'n0',
  name: 'draft',
  label: 'draft',
  state: 'done',
  said: 'done',
  count: 'x2',
  subgraph: null,
  breakable: true,
  markers: { before: MARKER, after: null },
  breakpoints: [POINT]
};
const GRAPH = {
  version: 2,
  view: 'v',
  graph: 'post',
  thread: 'demo',
  svg: '<svg/>',
  nodes: [NODE],
  edges: [{ id: 'e0', taken: true, pairs: [['a', 'b']], marker: null }],
  status: 'breakpoint',
  heading: 'Paused',
  text: 'at the breakpoint before publish',
  legend: [{ sign: 'done', text: 'done' }],
  elsewhere: [MARKER]
};

test('a drawing is read as it was sent, without its version', () => {
  const { version, ...rest } = GRAPH;
  assert.equal(version, 2);
  const edges = [{ ...GRAPH.edges[0], pairs: [{ source: 'a', target: 'b' }] }];
  assert.deepEqual(readGraph(GRAPH), { ...rest, edges });
});

test('a node without markers has none', () => {
  const { nodes } = readGraph({ ...GRAPH, nodes: [{ ...NODE, markers: {} }] });
  assert.deepEqual(nodes[0].markers, { before: null, after: null });
});

test('a drawing of another version says so, and of an older one what to do', () => {
  assert.match(readGraph({ ...GRAPH, version: 1 }).problem, /older version of nbhitl; run its cell again/);
  assert.match(readGraph({ ...GRAPH, version: 3 }).problem, /another version/);
  assert.match(readGraph({ ...GRAPH, version: 'x' }).problem, /another version/);
});

test('damaged drawings are problems and never throw', () => {
  const damaged = [
    undefined,
    null,
    1,
    'text',
    [],
    {},
    ...Object.keys(GRAPH).map(key => ({ ...GRAPH, [key]: undefined })),
    ...Object.keys(NODE).map(key => ({ ...GRAPH, nodes: [{ ...NODE, [key]: 7 }] })),
    ...Object.keys(MARKER).map(key => ({ ...GRAPH, elsewhere: [{ ...MARKER, [key]: 7 }] })),
    ...Object.keys(POINT).map(key => ({
      ...GRAPH,
      nodes: [{ ...NODE, breakpoints: [{ ...POINT, [key]: ['?'] }] }]
    })),
    { ...GRAPH, nodes: [null] },
    { ...GRAPH, nodes: { length: 1 } },
    { ...GRAPH, edges: [{ id: 'e0', taken: 'yes', pairs: [], marker: null }] },
    { ...GRAPH, edges: [{ id: 'e0', taken: true, pairs: [['a']], marker: null }] },
    { ...GRAPH, legend: ['done'] },
    { ...GRAPH, status: 'toString' },
    { ...GRAPH, nodes: [{ ...NODE, state: '__proto__' }] },
    { ...GRAPH, nodes: [{ ...NODE, breakpoints: [{ ...POINT, branch: -1 }] }] }
  ];
  for (const data of damaged) {
    assert.ok(isProblem(readGraph(data)), JSON.stringify(data));
  }
});

test('answers are read, strange messages are not', () => {
  assert.deepEqual(readAnswer({ type: 'ok' }), { type: 'ok', view: null });
  assert.deepEqual(readAnswer({ type: 'error', text: 'no such node', view: 'v' }), {
    type: 'error',
    view: 'v',
    text: 'no such node'
  });
  assert.equal(readAnswer({ type: 'reload' }), null);
  assert.equal(readAnswer('ok'), null);
});

test('values are the same when all that is in them is', () => {
  assert.ok(isSame(readGraph(GRAPH), readGraph(structuredClone(GRAPH))));
  assert.ok(!isSame(NODE, { ...NODE, breakpoints: [{ ...POINT, hits: '3' }] }));
  assert.ok(!isSame(NODE, { ...NODE, more: 1 }));
  assert.ok(!isSame([1], [1, 2]) && !isSame([], {}) && !isSame(null, {}));
});
