import type { Breakpoint, GraphNode, NodeState } from '../protocol.js';
import { cornersOf } from './corners.js';
import { Marker } from './marker.js';
import { breakpointLabel, stateInWords, tooltip } from './words.js';

const STATE_SIGNS: Readonly<Record<NodeState, string>> = {
  idle: '',
  next: '',
  running: 'M-3 0h0.01M0 0h0.01M3 0h0.01',
  done: 'M-3 0.3L-0.9 2.4L3.1 -2.2',
  failed: 'M-2.4 -2.4L2.4 2.4M2.4 -2.4L-2.4 2.4',
  // The hands of a clock; the disc is its face.
  waiting: 'M0 -3.6V0.2L2.6 1.8',
  paused: 'M-3.2 0H3M0.2 -2.8L3 0L0.2 2.8'
};

const BREAKPOINT_SIGNS: Readonly<Record<Breakpoint, string>> = {
  before: '',
  disabled: 'M-2.4 2.4L2.4 -2.4'
};

const BADGE_RADIUS = 6.5;
const DOT_RADIUS = 5;

/** One node of the drawing: its look, its words, and whether it can be pressed. */
export class NodeView {
  private readonly title = document.createElementNS('http://www.w3.org/2000/svg', 'title');
  private readonly badge: Marker;
  private readonly dot: Marker;

  /** @param element - the node's group in the drawing */
  constructor(
    private readonly element: SVGElement,
    private node: GraphNode
  ) {
    const corners = cornersOf(element.children);
    this.badge = new Marker('nbhitl-Badge', corners.right, BADGE_RADIUS);
    this.dot = new Marker('nbhitl-Dot', corners.left, DOT_RADIUS);
    element.prepend(this.title);
    element.append(this.badge.element, this.dot.element);
    this.paint();
  }

  show(node: GraphNode): void {
    const before = this.node;
    this.node = node;
    if (node.breakpoint !== before.breakpoint) {
      this.settle();
    }
    // Most nodes of a large graph stay as they are between two updates of a run.
    if (JSON.stringify(node) !== JSON.stringify(before)) {
      this.paint();
    }
  }

  /** The name to tell the kernel, or null when this node takes no press now. */
  press(): string | null {
    if (!this.node.breakable || this.isPending) {
      return null;
    }
    this.element.dataset.pending = 'true';
    this.element.setAttribute('aria-busy', 'true');
    return this.node.name;
  }

  /** Whether a press waits for the kernel. */
  get isPending(): boolean {
    return 'pending' in this.element.dataset;
  }

  /** The kernel answered, or never will. */
  settle(): void {
    delete this.element.dataset.pending;
    this.element.removeAttribute('aria-busy');
  }

  private paint(): void {
    const { element, node } = this;
    element.dataset.state = node.state;
    element.dataset.breakpoint = node.breakpoint ?? 'none';
    this.badge.show(STATE_SIGNS[node.state]);
    this.dot.show(node.breakpoint ? BREAKPOINT_SIGNS[node.breakpoint] : '');
    this.title.textContent = tooltip(node);
    if (node.breakable) {
      element.setAttribute('role', 'button');
      element.setAttribute('tabindex', '0');
      element.setAttribute('aria-label', breakpointLabel(node));
      element.setAttribute('aria-description', `${node.name}: ${stateInWords(node)}`);
      element.setAttribute('aria-pressed', String(node.breakpoint === 'before'));
    }
  }
}
