import type { GraphData, GraphNode } from '../protocol.js';
import type { CleanSvg } from '../svg.js';
import { NodeView } from './node.js';

/** Below this share of its size the text of a drawing is hard to read; then it scrolls instead. */
const LEAST_SCALE = 0.65;

/**
 * A layout on the page, and what is to be seen on it.
 *
 * It is built once for a layout; `show` then changes nothing but attributes.
 */
export class Drawing {
  private readonly views = new Map<Element, NodeView>();

  /** @param press - called with the name of a node that the reader pressed */
  constructor(
    private readonly svg: CleanSvg,
    private readonly press: (name: string) => void
  ) {
    const { root } = svg;
    // A group, not an image: assistive technology has to reach the nodes inside.
    root.setAttribute('role', 'group');
    root.style.minWidth = `calc(${root.getAttribute('width') ?? '0px'} * ${LEAST_SCALE})`;
    root.addEventListener('click', event => this.onPress(event));
    root.addEventListener('keydown', event => this.onKey(event));
  }

  get element(): SVGSVGElement {
    return this.svg.root;
  }

  show(data: GraphData): void {
    this.element.setAttribute('aria-label', `graph ${data.graph}`);
    for (const node of data.nodes) {
      this.showNode(node);
    }
    for (const edge of data.edges) {
      const element = this.svg.byId.get(edge.id);
      if (element) {
        element.dataset.taken = String(edge.taken);
      }
    }
  }

  /** Whether a press waits for the kernel. */
  get isPending(): boolean {
    return [...this.views.values()].some(view => view.isPending);
  }

  /** The kernel answered, or never will. */
  settle(): void {
    for (const view of this.views.values()) {
      view.settle();
    }
  }

  private showNode(node: GraphNode): void {
    const element = this.svg.byId.get(node.id);
    // The data could name any element; markers belong on nodes.
    if (!element?.classList.contains('node')) {
      return;
    }
    const view = this.views.get(element);
    if (view) {
      view.show(node);
    } else {
      this.views.set(element, new NodeView(element, node));
    }
  }

  private onKey(event: KeyboardEvent): void {
    if (event.key !== 'Enter' && event.key !== ' ') {
      return;
    }
    // Space would scroll the notebook.
    event.preventDefault();
    // A key that is held down is still one press.
    if (!event.repeat) {
      this.onPress(event);
    }
  }

  private onPress(event: Event): void {
    const element = event.target instanceof Element ? event.target.closest('.node') : null;
    const name = element && this.views.get(element)?.press();
    if (typeof name === 'string') {
      this.press(name);
    }
  }
}
