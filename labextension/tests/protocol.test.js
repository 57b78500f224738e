import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isProblem, readAnswer, readGraph } from '../lib/protocol.js';

const NODE = { id: 'n0', name: 'draft', label: 'draft', state: 'done', breakpoint: null, breakable: true };
const GRAPH = {
  version: 1,
  view: 'v',
  graph: 'post',
  thread: 'demo',
  svg: '<svg/>',
  nodes: [NODE],
  edges: [{ id: 'e0', taken: true }],
  status: 'breakpoint',
  text: 'stopped before publish: breakpoint'
};

test('a drawing is read as it was sent, without its version', () => {
  const { version, ...rest } = GRAPH;
  assert.equal(version, 1);
  assert.deepEqual(readGraph(GRAPH), rest);
});

test('a drawing of another version says so', () => {
  const read = readGraph({ ...GRAPH, version: 2 });
  assert.ok(isProblem(read));
  assert.match(read.problem, /version/);
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
    { ...GRAPH, nodes: [null] },
    { ...GRAPH, nodes: { length: 1 } },
    { ...GRAPH, edges: [{ id: 'e0', taken: 'yes' }] },
    { ...GRAPH, status: 'toString' },
    { ...GRAPH, nodes: [{ ...NODE, state: '__proto__' }] }
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
