import type { Point } from './corners.js';
import { groupAt, pill, svg, widthOf } from './shapes.js';

const SIZE = 9.5;

/** A count below a node. */
export class Count {
  readonly element: SVGGElement;
  private readonly outline = svg('path');
  private readonly label = svg('text', { 'text-anchor': 'middle', 'font-size': String(SIZE), y: '3.3' });

  constructor(at: Point) {
    this.element = groupAt('nbhitl-Count', at, this.outline, this.label);
  }

  /** Show a short text; an empty one hides it. */
  show(words: string): void {
    this.element.style.display = words ? '' : 'none';
    this.outline.setAttribute('d', pill(widthOf(words, SIZE) / 2 + 4));
    this.label.textContent = words;
  }
}
