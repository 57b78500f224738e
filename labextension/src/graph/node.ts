import type { GraphNode, Marker, Spots } from '../protocol.js';
import { isSame } from '../reading.js';
import type { Request } from '../requests.js';
import { Badge } from './badge.js';
import { type Box, boxOf, type Point } from './corners.js';
import { Count } from './count.js';
import { MarkerView } from './marker.js';
import { groupAt, svg } from './shapes.js';
import { breakpointLabel, isPlain, pointAt, tooltip } from './words.js';

/** Markers stand a little inside the corners: those are round. */
const INSET = 2;

/** One node of the drawing, or the frame of an opened sub-graph: its look, its words, and what a press does. */
export class NodeView {
  private readonly box: Box;
  private readonly title = svg('title');
  private readonly badge: Badge;
  private before: MarkerView | null = null;
  private after: MarkerView | null = null;
  private count: Count | null = null;
  private control: SVGGElement | null = null;

  /** @param element - the node's group in the drawing */
  constructor(
    readonly element: SVGElement,
    public node: GraphNode
  ) {
    this.box = boxOf(element.children);
    this.badge = new Badge(this.at('right', 'top'));
    element.prepend(this.title);
    element.append(this.badge.element);
    if (node.breakable) {
      element.setAttribute('role', 'button');
      element.setAttribute('aria-haspopup', 'menu');
    }
    this.paint(null);
  }

  show(node: GraphNode): void {
    const before = this.node;
    // Most nodes of a large graph stay as they are between two updates of a run.
    if (isSame(node, before)) {
      return;
    }
    this.node = node;
    if (!isSame(node.markers, before.markers)) {
      this.settle();
    }
    this.paint(before);
  }

  /** What a press asks of the kernel; null when this node takes none now. */
  press(): Request | null {
    const { node } = this;
    if (!node.breakable || this.isPending) {
      return null;
    }
    const point = pointAt(node, 'before');
    // A click must not throw a typed condition away: it switches such a breakpoint off and on.
    return point && !isPlain(point)
      ? { type: 'enable_breakpoint', id: point.id, on: !point.enabled }
      : { type: 'toggle_breakpoint', node: node.name };
  }

  /** The kernel was asked. */
  wait(): void {
    this.point();
    this.element.dataset.pending = 'true';
    this.element.setAttribute('aria-busy', 'true');
  }

  /** Whether a press waits for the kernel. */
  get isPending(): boolean {
    return 'pending' in this.element.dataset;
  }

  /** The kernel answered, or never will. */
  settle(): void {
    if (this.isPending) {
      delete this.element.dataset.pending;
      this.element.removeAttribute('aria-busy');
    }
  }

  /** The node is pointed at, or has the focus: only then it needs a tooltip, and a faint dot where a press sets one. */
  point(): void {
    this.title.textContent = tooltip(this.node);
    if (this.node.breakable && !this.before) {
      this.before = this.marker('nbhitl-Dot', this.at('left', 'top'));
      this.before.show(null);
    }
  }

  /** Where the button of the menu stands: at the upper edge. */
  get top(): Point {
    return { x: (this.box.left + this.box.right) / 2, y: this.box.top };
  }

  /** Paint what is not as it was; null before the first time. */
  private paint(was: GraphNode | null): void {
    const { element, node } = this;
    if (node.state !== was?.state) {
      element.dataset.state = node.state;
      this.badge.show(node.state);
    }
    if (node.count !== was?.count) {
      this.paintCount(node.count);
    }
    if (node.subgraph !== was?.subgraph) {
      this.paintControl(node.subgraph);
    }
    if (!was || !isSame(node.markers, was.markers)) {
      this.paintMarkers(node.markers);
    }
    if (node.breakable) {
      element.setAttribute('aria-description', `${node.name}: ${node.said}`);
    }
  }

  private paintMarkers({ before, after }: Spots): void {
    if (before && !this.before) {
      this.before = this.marker('nbhitl-Dot', this.at('left', 'top'));
    }
    this.before?.show(before);
    if (after && !this.after) {
      this.after = this.marker('nbhitl-After', this.at('right', 'bottom'));
    }
    this.after?.show(after);
    this.element.dataset.breakpoint = lookOf(before);
    if (this.node.breakable) {
      this.element.setAttribute('aria-pressed', String(before?.enabled ?? false));
      this.element.setAttribute('aria-label', breakpointLabel(this.node));
    }
  }

  private paintCount(words: string): void {
    if (words && !this.count) {
      const at = { x: (this.box.left + this.box.right) / 2, y: this.box.bottom + 7 };
      this.count = new Count(at);
      this.element.append(this.count.element);
    }
    this.count?.show(words);
  }

  private paintControl(shown: GraphNode['subgraph']): void {
    this.control?.remove();
    this.control = null;
    if (shown) {
      const box = svg('rect', { x: '-6', y: '-6', width: '12', height: '12', rx: '2.5' });
      const sign = svg('path', { d: shown === 'open' ? 'M-3 0H3' : 'M-3 0H3M0 -3V3' });
      const hint = svg('title');
      hint.textContent = shown === 'open' ? 'Close the sub-graph' : 'Open the sub-graph';
      this.control = groupAt('nbhitl-Control', this.at('left', 'bottom'), hint, box, sign);
      this.element.append(this.control);
    }
  }

  private marker(className: string, at: Point): MarkerView {
    const made = new MarkerView(className, at);
    this.element.append(made.element);
    return made;
  }

  private at(side: 'left' | 'right', end: 'top' | 'bottom'): Point {
    return {
      x: this.box[side] + (side === 'left' ? INSET : -INSET),
      y: this.box[end] + (end === 'top' ? INSET : -INSET)
    };
  }
}

function lookOf(marker: Marker | null): string {
  return marker ? (marker.enabled ? 'before' : 'disabled') : 'none';
}
