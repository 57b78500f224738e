import assert from 'node:assert/strict';
import { test } from 'node:test';
import { edgeActions, nodeActions } from '../lib/graph/actions.js';
import { nearest } from '../lib/graph/keys.js';

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
const NODE = { name: 'draft', label: 'draft', subgraph: null, breakable: true, breakpoints: [] };
const EDGE = { id: 'e1', taken: false, pairs: [{ source: 'draft', target: '__end__' }], marker: null };

function entry(actions, label) {
  return actions.find(action => action.label === label);
}

test('a node without breakpoints gets its first one from any entry', () => {
  const actions = nodeActions(NODE, [EDGE]);
  assert.deepEqual(entry(actions, 'Break before it').request, {
    type: 'set_breakpoint',
    breakpoint: { kind: 'before', node: 'draft' }
  });
  assert.deepEqual(entry(actions, 'Condition…').question.request('n > 3'), {
    type: 'set_breakpoint',
    breakpoint: { kind: 'before', node: 'draft', condition: 'n > 3' }
  });
  assert.deepEqual(entry(actions, 'Break on the way to END').request.breakpoint, {
    kind: 'edge',
    node: 'draft',
    target: '__end__'
  });
  assert.equal(entry(actions, 'Disable'), undefined);
  assert.equal(entry(actions, 'Open the sub-graph'), undefined);
  assert.deepEqual(entry(actions, 'Run until here').request, { type: 'run_until', node: 'draft' });
});

test('a change of one thing keeps what else a breakpoint says', () => {
  const actions = nodeActions({ ...NODE, breakpoints: [POINT] }, []);
  assert.deepEqual(entry(actions, 'Remove the breakpoint before it').request, {
    type: 'remove_breakpoint',
    id: 'before draft'
  });
  const { id, ...rest } = POINT;
  assert.equal(id, 'before draft');
  const { target, ...settings } = rest;
  assert.equal(target, '');
  assert.deepEqual(entry(actions, 'Hit count…').question.request('%2').breakpoint, {
    ...settings,
    node: 'draft',
    hits: '%2'
  });
  assert.equal(entry(actions, 'Condition…').question.text, 'n > 3');
  assert.deepEqual(entry(actions, 'Disable').request, {
    type: 'enable_breakpoint',
    id: 'before draft',
    on: false
  });
});

test('with a breakpoint after a node only, the entries are about that one', () => {
  const after = { ...POINT, id: 'after draft', kind: 'after' };
  const actions = nodeActions({ ...NODE, breakpoints: [after] }, []);
  assert.equal(entry(actions, 'Log text…').question.request('hello').breakpoint.kind, 'after');
});

test('a breakpoint in one branch of a fan-out is not the one that a menu changes', () => {
  const actions = nodeActions(
    { ...NODE, breakpoints: [{ ...POINT, id: 'before draft [2]', branch: 2 }] },
    []
  );
  assert.equal(entry(actions, 'Break before it').request.type, 'set_breakpoint');
});

test('a node that runs a sub-graph opens and closes', () => {
  const open = nodeActions({ ...NODE, subgraph: 'closed' }, []);
  assert.deepEqual(entry(open, 'Open the sub-graph').request, {
    type: 'open_subgraph',
    node: 'draft',
    open: true
  });
  const close = nodeActions({ ...NODE, subgraph: 'open' }, []);
  assert.equal(entry(close, 'Close the sub-graph').request.open, false);
});

test('an edge has a menu of its own, and none when it stands for no step', () => {
  const point = { ...POINT, id: 'edge draft -> __end__', kind: 'edge', target: '__end__' };
  const actions = edgeActions(EDGE, [{ ...NODE, breakpoints: [point] }]);
  assert.deepEqual(entry(actions, 'Remove the breakpoint on the way to END').request, {
    type: 'remove_breakpoint',
    id: point.id
  });
  assert.equal(entry(actions, 'Condition…').question.request('').breakpoint.target, '__end__');
  assert.deepEqual(edgeActions({ ...EDGE, pairs: [] }, []), []);
});

test('an arrow leads to the nearest node ahead, and nowhere at the edge', () => {
  const at = (x, y) => ({ left: x, right: x + 10, top: y, bottom: y + 10 });
  const places = [at(100, 0), at(60, 90), at(-50, 0), at(0, 60)];
  assert.equal(nearest('ArrowRight', at(0, 0), places), 0);
  assert.equal(nearest('ArrowLeft', at(0, 0), places), 2);
  assert.equal(nearest('ArrowDown', at(0, 0), places), 3);
  assert.equal(nearest('ArrowUp', at(0, 0), places), null);
});
