import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cornersOf } from '../lib/graph/corners.js';

function shape(localName, attributes) {
  return { localName, getAttribute: name => attributes[name] ?? null };
}

test('the corners of a box are those of its points', () => {
  const box = shape('polygon', { points: '54,-36 0,-36 0,0 54,0 54,-36' });
  assert.deepEqual(cornersOf([box]), { left: { x: 0, y: -36 }, right: { x: 54, y: -36 } });
});

test('a rounded box is a path with no space before a sign', () => {
  const box = shape('path', { d: 'M81,-357.6C81,-357.6 51,-357.6 51-357.6 45,-321.6 39,-351.6 39,-345.6' });
  assert.deepEqual(cornersOf([box]), { left: { x: 39, y: -357.6 }, right: { x: 81, y: -357.6 } });
});

test('the corners of an ellipse lie on it', () => {
  const { left, right } = cornersOf([shape('ellipse', { cx: '10', cy: '-18', rx: '20', ry: '10' })]);
  assert.ok(Math.abs(((left.x - 10) / 20) ** 2 + ((left.y + 18) / 10) ** 2 - 1) < 1e-9);
  assert.ok(left.x < 10 && right.x > 10 && right.y === left.y && left.y < -18);
});

test('several shapes have the corners of all of them, and none has the origin', () => {
  const shapes = [shape('circle', { cx: '0', cy: '0', r: '1' }), shape('text', { x: '5', y: '-9' })];
  assert.equal(cornersOf(shapes).right.x, 5);
  assert.equal(cornersOf(shapes).left.y, -9);
  assert.deepEqual(cornersOf([]), { left: { x: 0, y: 0 }, right: { x: 0, y: 0 } });
});

test('shapes without usable numbers count as none', () => {
  const shapes = [shape('polygon', { points: 'x' }), shape('path', {}), shape('g', {})];
  assert.deepEqual(cornersOf(shapes), cornersOf([]));
});
