/**
 * Where markers go: the corners of a node's outline, the middle of an edge.
 *
 * Read from the attributes that graphviz wrote, because `getBBox` knows nothing
 * about a drawing that is not on the page yet, or on a hidden tab.
 */

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** The part of an element that is needed here; a test can give it without a page. */
export interface Outline {
  readonly localName: string;
  getAttribute(name: string): string | null;
}

/** An ellipse does not fill its box: at 45 degrees it has this share of its half axes. */
const ELLIPSE_REACH = Math.SQRT1_2;

/** The box whose corners lie on the outline of a node that is drawn with these shapes. */
export function boxOf(shapes: Iterable<Outline>): Box {
  let box: Box | null = null;
  for (const shape of shapes) {
    const inner = outlineBox(shape);
    box = box && inner ? union(box, inner) : (inner ?? box);
  }
  return box ?? { left: 0, right: 0, top: 0, bottom: 0 };
}

/** The middle of an edge: of the middle one of the curves that graphviz drew, the point half way. */
export function middleOf(shapes: Iterable<Outline>): Point {
  for (const shape of shapes) {
    if (shape.localName === 'path') {
      return middleOfPath(pointsOf(shape.getAttribute('d')));
    }
  }
  return { x: 0, y: 0 };
}

function middleOfPath(points: readonly Point[]): Point {
  const curves = Math.floor((points.length - 1) / 3);
  const first = Math.floor(curves / 2) * 3;
  const [a, b, c, d] = points.slice(first, first + 4);
  if (a && b && c && d && curves % 2 === 1) {
    return { x: (a.x + 3 * b.x + 3 * c.x + d.x) / 8, y: (a.y + 3 * b.y + 3 * c.y + d.y) / 8 };
  }
  // Of an even number of curves, two meet in the middle.
  return a ?? { x: 0, y: 0 };
}

function outlineBox(shape: Outline): Box | null {
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
      return { left: x, right: x, top: y, bottom: y };
    }
    default:
      return null;
  }
}

function ellipseBox(shape: Outline): Box {
  const [x, y, r] = [numberOf(shape, 'cx'), numberOf(shape, 'cy'), numberOf(shape, 'r')];
  const halfWidth = (numberOf(shape, 'rx') || r) * ELLIPSE_REACH;
  const halfHeight = (numberOf(shape, 'ry') || r) * ELLIPSE_REACH;
  return { left: x - halfWidth, right: x + halfWidth, top: y - halfHeight, bottom: y + halfHeight };
}

function pointsOf(text: string | null): Point[] {
  const numbers = (text?.match(/-?\d+(\.\d+)?/g) ?? []).map(Number);
  const points: Point[] = [];
  for (let n = 0; n + 1 < numbers.length; n += 2) {
    points.push({ x: numbers[n] ?? 0, y: numbers[n + 1] ?? 0 });
  }
  return points;
}

function hull(text: string | null): Box | null {
  let box: Box | null = null;
  // Not `Math.min(...xs)`: a path from a stranger's notebook can have more numbers than a call takes.
  for (const { x, y } of pointsOf(text)) {
    const point = { left: x, right: x, top: y, bottom: y };
    box = box ? union(box, point) : point;
  }
  return box;
}

function union(a: Box, b: Box): Box {
  return {
    left: Math.min(a.left, b.left),
    right: Math.max(a.right, b.right),
    top: Math.min(a.top, b.top),
    bottom: Math.max(a.bottom, b.bottom)
  };
}

function numberOf(shape: Outline, name: string): number {
  return Number.parseFloat(shape.getAttribute(name) ?? '') || 0;
}
