/** The outlines of signs, and a short way to make SVG elements. */

import type { Point } from './corners.js';

const SVG = 'http://www.w3.org/2000/svg';

/** Half the height of a marker. */
export const HALF = 5.5;

/** Make an SVG element with attributes. */
export function svg<K extends keyof SVGElementTagNameMap>(
  name: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Node[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) {
    element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

/** A group around a point. */
export function groupAt(className: string, at: Point, ...children: readonly Node[]): SVGGElement {
  // Nodes say in words what their signs show.
  const attributes = { class: className, transform: `translate(${at.x} ${at.y})`, 'aria-hidden': 'true' };
  return svg('g', attributes, ...children);
}

/** A disc; wider, with straight lines between two half discs. */
export function pill(half: number, r = HALF): string {
  const straight = half - r;
  const arc = `A${r} ${r} 0 0 1`;
  return `M${-straight} ${-r}H${straight}${arc} ${straight} ${r}H${-straight}${arc} ${-straight} ${-r}Z`;
}

/** A diamond; wider, with straight lines between two points. */
export function diamond(half: number, r = HALF + 1): string {
  const straight = half - r;
  return `M${-half} 0L${-straight} ${-r}H${straight}L${half} 0L${straight} ${r}H${-straight}Z`;
}

/** About how wide a short text is, at least. */
export function widthOf(text: string, size: number): number {
  return text.length * size * 0.56;
}
