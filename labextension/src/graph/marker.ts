import type { Marker } from '../protocol.js';
import type { Point } from './corners.js';
import { diamond, groupAt, HALF, pill, svg, widthOf } from './shapes.js';

const SIGN_SIZE = 8.5;

/** A breakpoint: a dot, or a diamond for one that prints; a sign on it says what is special. */
export class MarkerView {
  readonly element: SVGGElement;
  private readonly outline = svg('path', { class: 'nbhitl-Marker-outline', d: pill(HALF) });
  private readonly strike = svg('path', { class: 'nbhitl-Marker-strike' });
  private readonly sign = svg('text', { 'text-anchor': 'middle', 'font-size': String(SIGN_SIZE), y: '3' });

  constructor(className: string, at: Point) {
    this.element = groupAt(`nbhitl-Marker ${className}`, at, this.outline, this.strike, this.sign);
  }

  /** Show a marker; null is one that is not set. */
  show(marker: Marker | null): void {
    const { dataset } = this.element;
    const sign = marker?.sign ?? '';
    const half = sign ? Math.max(HALF + 0.5, widthOf(sign, SIGN_SIZE) / 2 + 3.5) : HALF;
    dataset.set = String(marker !== null);
    dataset.enabled = String(marker?.enabled ?? true);
    dataset.known = String(marker?.known ?? true);
    this.outline.setAttribute('d', marker?.log ? diamond(half + 1) : pill(half));
    const [x, y] = sign ? [half - 2, 4] : [2.6, 2.6];
    this.strike.setAttribute('d', marker?.enabled === false ? `M${-x} ${y}L${x} ${-y}` : '');
    this.sign.textContent = sign;
  }
}
