import type { Point } from './corners.js';

const SVG = 'http://www.w3.org/2000/svg';

/** A small disc with a sign on it, at a corner of a node. Styles say when it is seen. */
export class Marker {
  readonly element = document.createElementNS(SVG, 'g');
  private readonly sign = document.createElementNS(SVG, 'path');

  constructor(className: string, at: Point, radius: number) {
    const disc = document.createElementNS(SVG, 'circle');
    disc.setAttribute('r', String(radius));
    this.element.setAttribute('class', className);
    this.element.setAttribute('transform', `translate(${at.x} ${at.y})`);
    // The node's own label says what the marker shows.
    this.element.setAttribute('aria-hidden', 'true');
    this.element.append(disc, this.sign);
  }

  /** Draw a sign, given as path data around 0,0. */
  show(path: string): void {
    this.sign.setAttribute('d', path);
  }
}
