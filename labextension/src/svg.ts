/**
 * Copies the shapes that graphviz draws out of an SVG text, and nothing else.
 *
 * The renderer is used for untrusted notebooks too, so this is an allow-list:
 * no links, no URLs, no styles, no event attributes, no images, no foreign
 * content, no class names that JupyterLab gives a meaning to. An element that
 * is not listed is left out with everything in it.
 */

import type { Problem } from './protocol.js';

const SVG = 'http://www.w3.org/2000/svg';

/** Graphviz nests svg > g.graph > g.node > shape; more is not a drawing of ours. */
const MAX_DEPTH = 8;

/** `title` is missing on purpose: the browser would show graphviz's ids as tooltips. */
const ELEMENTS = new Set([
  'g',
  'svg',
  'polygon',
  'polyline',
  'ellipse',
  'circle',
  'rect',
  'line',
  'path',
  'text',
  'tspan'
]);

/** Only these have a meaning for our styles; any other class could be JupyterLab's. */
const CLASSES = new Set(['graph', 'node', 'edge', 'cluster']);

const NUMBER = /^-?[\d.]+(e-?\d+)?(pt|px|em|%)?$/;
const NUMBERS = /^[-+\d.,eE\s]*$/;
const COLOUR = /^(#[\da-f]{3,8}|[a-z]+)$/i;
const WORD = /^[a-z\d-]+$/i;

/** Each attribute with the form that its value must have. None lets `url(...)` through. */
const ATTRIBUTES: ReadonlyMap<string, RegExp> = new Map([
  ...['x', 'y', 'x1', 'y1', 'x2', 'y2', 'dx', 'dy', 'cx', 'cy', 'r', 'rx', 'ry', 'width', 'height'].map(
    name => [name, NUMBER] as const
  ),
  ...['stroke-width', 'stroke-opacity', 'fill-opacity', 'font-size'].map(name => [name, NUMBER] as const),
  ...['viewBox', 'points', 'stroke-dasharray'].map(name => [name, NUMBERS] as const),
  ...['fill', 'stroke'].map(name => [name, COLOUR] as const),
  ...['text-anchor', 'font-weight', 'font-style', 'text-decoration', 'baseline-shift'].map(
    name => [name, WORD] as const
  ),
  ['d', /^[-+\d.,eE\sMmLlHhVvCcSsQqTtAaZz]*$/],
  ['transform', /^[-+\d.,eE\sa-z()]*$/],
  ['font-family', /^[-\w\s,]*$/]
]);

/** A drawing that is safe to put into the page. */
export interface CleanSvg {
  readonly root: SVGSVGElement;
  /** Elements by the ids they had. The copies carry none: two drawings would share them. */
  readonly byId: ReadonlyMap<string, SVGElement>;
}

/** Read an SVG text into elements of this page. */
export function cleanSvg(text: string): CleanSvg | Problem {
  // A document made this way has no window: it runs no script and loads nothing.
  const source = new DOMParser().parseFromString(text, 'image/svg+xml').documentElement;
  const byId = new Map<string, SVGElement>();
  const root = copy(source, byId, 0);
  return root instanceof SVGSVGElement ? { root, byId } : { problem: 'its SVG is damaged' };
}

function copy(from: Element, byId: Map<string, SVGElement>, depth: number): SVGElement | null {
  if (from.namespaceURI !== SVG || !ELEMENTS.has(from.localName) || depth > MAX_DEPTH) {
    return null;
  }
  const to = document.createElementNS(SVG, from.localName) as SVGElement;
  for (const { name, value } of from.attributes) {
    if (ATTRIBUTES.get(name)?.test(value)) {
      to.setAttribute(name, value);
    }
  }
  to.classList.add(...[...from.classList].filter(name => CLASSES.has(name)));
  if (from.id) {
    byId.set(from.id, to);
  }
  for (const child of from.childNodes) {
    if (child instanceof Element) {
      const copied = copy(child, byId, depth + 1);
      if (copied) {
        to.append(copied);
      }
    } else if (child instanceof Text && isText(to)) {
      to.append(child.data);
    }
  }
  return to;
}

function isText(element: SVGElement): boolean {
  return element.localName === 'text' || element.localName === 'tspan';
}
