/**
 * Where a node's markers go: the upper corners of its outline.
 *
 * Read from the attributes that graphviz wrote, because `getBBox` knows nothing
 * about a drawing that is not on the page yet, or on a hidden tab.
 */

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Corners {
  readonly left: Point;
  readonly right: Point;
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
}

/** The part of an element that is needed here; a test can give it without a page. */
export interface Outline {
  readonly localName: string;
  getAttribute(name: string): string | null;
}

/** An ellipse does not fill its box: at 45 degrees it has this share of its half axes. */
const ELLIPSE_REACH = Math.SQRT1_2;

/** The upper corners of a node that is drawn with these shapes. */
export function cornersOf(shapes: Iterable<Outline>): Corners {
  let box: Box | null = null;
  for (const shape of shapes) {
    const inner = boxOf(shape);
    box = box && inner ? union(box, inner) : (inner ?? box);
  }
  const { left, right, top } = box ?? { left: 0, right: 0, top: 0 };
  return { left: { x: left, y: top }, right: { x: right, y: top } };
}

function boxOf(shape: Outline): Box | null {
  switch (shape.localName) {
    case 'polygon':
    case 'polyline':
      return hull(shape.getAttribute('points'));
    case 'path':
      // Graphviz writes absolute curves; their control points enclose them.
      return hull(shape.getAttribute('d'));
    case 'ellipse':
    case 'circle':
      return ellipseBox(shape);
    case 'text': {
      const [x, y] = [numberOf(shape, 'x'), numberOf(shape, 'y')];
      return { left: x, right: x, top: y };
    }
    default:
      return null;
  }
}

function ellipseBox(shape: Outline): Box {
  const [x, y, r] = [numberOf(shape, 'cx'), numberOf(shape, 'cy'), numberOf(shape, 'r')];
  const halfWidth = (numberOf(shape, 'rx') || r) * ELLIPSE_REACH;
  const halfHeight = (numberOf(shape, 'ry') || r) * ELLIPSE_REACH;
  return { left: x - halfWidth, right: x + halfWidth, top: y - halfHeight };
}

function hull(text: string | null): Box | null {
  const numbers = (text?.match(/-?\d+(\.\d+)?/g) ?? []).map(Number);
  if (numbers.length < 2) {
    return null;
  }
  const xs = numbers.filter((_, index) => index % 2 === 0);
  const ys = numbers.filter((_, index) => index % 2 === 1);
  return { left: least(xs), right: most(xs), top: least(ys) };
}

function union(a: Box, b: Box): Box {
  return {
    left: Math.min(a.left, b.left),
    right: Math.max(a.right, b.right),
    top: Math.min(a.top, b.top)
  };
}

function numberOf(shape: Outline, name: string): number {
  return Number.parseFloat(shape.getAttribute(name) ?? '') || 0;
}

// Not `Math.min(...numbers)`: a path from a stranger's notebook can have more numbers than a call takes.
function least(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
}

function most(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
}
