import type { NodeState } from '../protocol.js';
import type { Point } from './corners.js';
import { groupAt, svg } from './shapes.js';

export const STATE_SIGNS: Readonly<Record<NodeState, string>> = {
  idle: '',
  next: '',
  running: 'M-3 0h0.01M0 0h0.01M3 0h0.01',
  done: 'M-3 0.3L-0.9 2.4L3.1 -2.2',
  failed: 'M-2.4 -2.4L2.4 2.4M2.4 -2.4L-2.4 2.4',
  // The hands of a clock; the disc is its face.
  waiting: 'M0 -3.6V0.2L2.6 1.8',
  paused: 'M-3.2 0H3M0.2 -2.8L3 0L0.2 2.8'
};

/** The disc that tells a state, with a sign on it. */
export class Badge {
  readonly element: SVGGElement;
  private readonly sign = svg('path');

  constructor(at: Point) {
    this.element = groupAt('nbhitl-Badge', at, svg('circle', { r: '6.5' }), this.sign);
  }

  show(state: NodeState): void {
    this.element.dataset.state = state;
    this.sign.setAttribute('d', STATE_SIGNS[state]);
  }
}
