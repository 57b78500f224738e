import type { GraphData, GraphEdge, GraphNode, NodeState } from '../protocol.js';
import type { Request } from '../requests.js';
import type { CleanSvg } from '../svg.js';
import { type Action, edgeActions, nodeActions } from './actions.js';
import { EdgeView } from './edge.js';
import { type Arrow, isArrow, nearest } from './keys.js';
import { openMenu, type Place } from './menu.js';
import { NodeView } from './node.js';
import { groupAt, svg } from './shapes.js';

/** In a larger drawing Tab reaches one node, and the arrow keys the others: Tab must lead out of it. */
const TAB_LIMIT = 40;

/** Where the run is; of several nodes, the first one in the most urgent of these states. */
const ACTIVE: readonly NodeState[] = ['paused', 'failed', 'waiting', 'running', 'next'];

/**
 * A layout on the page, and what is to be seen on it.
 *
 * It is built once for a layout; `show` then changes nothing but what differs.
 */
export class Drawing {
  private readonly nodes = new Map<Element, NodeView>();
  private readonly edges = new Map<Element, EdgeView>();
  /** The button that opens a node's menu: one for all, at the node that is pointed at or has the focus. */
  private readonly more = groupAt('nbhitl-More', { x: 0, y: 0 }, svg('circle', { r: '6.5' }));
  private data: GraphData | null = null;

  /** @param ask - called with what the reader asks of the kernel */
  constructor(
    private readonly svg: CleanSvg,
    private readonly ask: (request: Request) => void
  ) {
    const { root } = svg;
    // A group, not an image: assistive technology has to reach the nodes inside.
    root.setAttribute('role', 'group');
    root.addEventListener('click', event => this.onClick(event));
    root.addEventListener('contextmenu', event => this.onContextMenu(event));
    root.addEventListener('keydown', event => this.onKey(event));
    root.addEventListener('pointerover', event => this.onPoint(this.nodeOf(event)));
    root.addEventListener('focusin', event => this.onFocus(this.nodeOf(event)));
    this.more.append(moreSign());
  }

  get element(): SVGSVGElement {
    return this.svg.root;
  }

  show(data: GraphData): void {
    const first = this.data === null;
    this.data = data;
    if (first) {
      this.element.setAttribute('aria-label', `graph ${data.graph}`);
    }
    for (const node of data.nodes) {
      this.showNode(node);
    }
    for (const edge of data.edges) {
      this.showEdge(edge);
    }
    if (first) {
      this.makeReachable();
    }
  }

  /** The element of the node where the run is. */
  get active(): Element | null {
    for (const state of ACTIVE) {
      for (const [element, view] of this.nodes) {
        // Of a frame and what is inside it, the latter says more.
        if (view.node.state === state && view.node.subgraph !== 'open') {
          return element;
        }
      }
    }
    return null;
  }

  /** Whether a press waits for the kernel. */
  get isPending(): boolean {
    return [...this.nodes.values()].some(view => view.isPending);
  }

  /** The kernel answered, or never will. */
  settle(): void {
    for (const view of this.nodes.values()) {
      view.settle();
    }
  }

  /** Give the focus to a node, by its path. */
  focus(name: string): void {
    const view = [...this.nodes.values()].find(({ node }) => node.name === name && node.breakable);
    view?.element.focus({ preventScroll: true });
  }

  private showNode(node: GraphNode): void {
    const element = this.svg.byId.get(node.id);
    // The data could name any element; markers belong on nodes.
    if (!element?.classList.contains('node') && !element?.classList.contains('cluster')) {
      return;
    }
    const view = this.nodes.get(element);
    if (view) {
      view.show(node);
    } else {
      this.nodes.set(element, new NodeView(element, node));
    }
  }

  private showEdge(edge: GraphEdge): void {
    const element = this.svg.byId.get(edge.id);
    if (!element?.classList.contains('edge')) {
      return;
    }
    const view = this.edges.get(element);
    if (view) {
      view.show(edge);
    } else {
      this.edges.set(element, new EdgeView(element, edge));
    }
  }

  // -- what the reader does

  private onClick(event: MouseEvent): void {
    const view = this.nodeOf(event);
    if (!view) {
      return;
    }
    if (isOn(event, '.nbhitl-Control')) {
      this.send({ type: 'open_subgraph', node: view.node.name, open: view.node.subgraph === 'closed' }, view);
    } else if (isOn(event, '.nbhitl-More')) {
      this.openMenu(view);
    } else {
      this.send(view.press(), view);
    }
  }

  private onContextMenu(event: MouseEvent): void {
    // With Shift the reader wants the browser's own menu.
    if (event.shiftKey || !this.data) {
      return;
    }
    const view = this.nodeOf(event);
    const edge = this.edges.get(target(event)?.closest('.edge') ?? this.element);
    const place = { x: event.clientX, y: event.clientY };
    if (view?.node.breakable) {
      this.openMenu(view, place);
    } else if (edge) {
      this.openActions(edgeActions(edge.edge, this.data.nodes), place, null);
    } else {
      return;
    }
    stop(event);
  }

  private onKey(event: KeyboardEvent): void {
    const view = this.nodeOf(event);
    if (!view || event.ctrlKey || event.altKey || event.metaKey) {
      return;
    }
    if (event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey)) {
      this.openMenu(view);
    } else if (event.key === 'Enter' || event.key === ' ') {
      // A key that is held down is still one press.
      this.send(event.repeat ? null : view.press(), view);
    } else if (isArrow(event.key)) {
      this.move(event.key, view);
    } else {
      return;
    }
    // Space and the arrows would scroll, or move through the notebook.
    stop(event);
  }

  private onPoint(view: NodeView | null): void {
    view?.point();
    this.offerMenu(view);
  }

  private onFocus(view: NodeView | null): void {
    this.onPoint(view);
    if (view && this.nodes.size > TAB_LIMIT) {
      for (const other of this.nodes.values()) {
        if (other.element.getAttribute('tabindex') === '0') {
          other.element.setAttribute('tabindex', '-1');
        }
      }
      view.element.setAttribute('tabindex', '0');
    }
  }

  private move(arrow: Arrow, from: NodeView): void {
    const others = [...this.nodes.values()].filter(view => view !== from && view.node.breakable);
    const places = others.map(view => view.element.getBoundingClientRect());
    const found = nearest(arrow, from.element.getBoundingClientRect(), places);
    if (found !== null) {
      others[found]?.element.focus();
    }
  }

  private makeReachable(): void {
    const reachable = [...this.nodes.values()].filter(view => view.node.breakable);
    reachable.forEach((view, n) => {
      view.element.setAttribute('tabindex', this.nodes.size <= TAB_LIMIT || n === 0 ? '0' : '-1');
    });
  }

  private offerMenu(view: NodeView | null): void {
    if (view?.node.breakable && this.more.parentNode !== view.element) {
      this.more.setAttribute('transform', `translate(${view.top.x} ${view.top.y})`);
      view.element.append(this.more);
    }
  }

  private openMenu(view: NodeView, place?: Place): void {
    if (!this.data || !view.node.breakable) {
      return;
    }
    const { left, bottom } = view.element.getBoundingClientRect();
    this.openActions(nodeActions(view.node, this.data.edges), place ?? { x: left, y: bottom }, view);
  }

  private openActions(actions: readonly Action[], place: Place, view: NodeView | null): void {
    openMenu(actions, place, request => this.send(request, view), view?.element ?? null);
  }

  private send(request: Request | null, view: NodeView | null): void {
    if (request) {
      view?.wait();
      this.ask(request);
    }
  }

  private nodeOf(event: Event): NodeView | null {
    const element = target(event)?.closest('.node, .cluster');
    return (element && this.nodes.get(element)) ?? null;
  }
}

function target(event: Event): Element | null {
  return event.target instanceof Element ? event.target : null;
}

function isOn(event: Event, selector: string): boolean {
  return target(event)?.closest(selector) != null;
}

function stop(event: Event): void {
  event.preventDefault();
  event.stopPropagation();
}

function moreSign(): SVGPathElement {
  return svg('path', { d: 'M-3 0h0.01M0 0h0.01M3 0h0.01' });
}
