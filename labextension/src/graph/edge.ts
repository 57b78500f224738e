import type { GraphEdge } from '../protocol.js';
import { isSame } from '../reading.js';
import { middleOf } from './corners.js';
import { MarkerView } from './marker.js';
import { svg } from './shapes.js';

/** One edge of the drawing: whether it was taken, and its breakpoint. */
export class EdgeView {
  private marker: MarkerView | null = null;
  private readonly title = svg('title');

  /** @param element - the edge's group in the drawing */
  constructor(
    private readonly element: SVGElement,
    public edge: GraphEdge
  ) {
    element.prepend(this.title);
    this.paint();
  }

  show(edge: GraphEdge): void {
    if (!isSame(edge, this.edge)) {
      this.edge = edge;
      this.paint();
    }
  }

  private paint(): void {
    const { element, edge } = this;
    element.dataset.taken = String(edge.taken);
    this.title.textContent = edge.marker ? `Breakpoint ${edge.marker.said}` : '';
    if (edge.marker && !this.marker) {
      this.marker = new MarkerView('nbhitl-OnEdge', middleOf(element.children));
      element.append(this.marker.element);
    }
    this.marker?.show(edge.marker);
  }
}
