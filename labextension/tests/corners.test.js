import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boxOf, middleOf } from '../lib/graph/corners.js';

function shape(localName, attributes) {
  return { localName, getAttribute: name => attributes[name] ?? null };
}

test('the corners of a box are those of its points', () => {
  const box = shape('polygon', { points: '54,-36 0,-36 0,0 54,0 54,-36' });
  assert.deepEqual(boxOf([box]), { left: 0, right: 54, top: -36, bottom: 0 });
});

test('a rounded box is a path with no space before a sign', () => {
  const box = shape('path', { d: 'M81,-357.6C81,-357.6 51,-357.6 51-357.6 45,-321.6 39,-351.6 39,-345.6' });
  assert.deepEqual(boxOf([box]), { left: 39, right: 81, top: -357.6, bottom: -321.6 });
});

test('the corners of an ellipse lie on it', () => {
  const { left, right, top, bottom } = boxOf([shape('ellipse', { cx: '10', cy: '-18', rx: '20', ry: '10' })]);
  assert.ok(Math.abs(((left - 10) / 20) ** 2 + ((top + 18) / 10) ** 2 - 1) < 1e-9);
  assert.ok(left < 10 && right > 10 && top < -18 && bottom > -18);
});

test('several shapes have the corners of all of them, and none has the origin', () => {
  const shapes = [shape('circle', { cx: '0', cy: '0', r: '1' }), shape('text', { x: '5', y: '-9' })];
  assert.equal(boxOf(shapes).right, 5);
  assert.equal(boxOf(shapes).top, -9);
  assert.deepEqual(boxOf([]), { left: 0, right: 0, top: 0, bottom: 0 });
});

test('shapes without usable numbers count as none', () => {
  const shapes = [shape('polygon', { points: 'x' }), shape('path', {}), shape('g', {})];
  assert.deepEqual(boxOf(shapes), boxOf([]));
});

test('a marker of an edge stands in the middle of its line', () => {
  const middle = d => middleOf([shape('polygon', { points: '0,0' }), shape('path', { d })]);
  assert.deepEqual(middle('M0,0C10,0 20,0 30,0'), { x: 15, y: 0 });
  assert.deepEqual(middle('M0,0C10,0 20,0 30,0 40,0 50,0 60,8'), { x: 30, y: 0 });
  assert.deepEqual(middle('M0,0C0,0 0,0 9,0 9,8 9,8 9,8 20,0 20,0 20,0'), { x: 9, y: 7 });
});

test('an edge without a line has its marker at the origin', () => {
  assert.deepEqual(middleOf([]), { x: 0, y: 0 });
  assert.deepEqual(middleOf([shape('path', { d: 'nothing' })]), { x: 0, y: 0 });
});
