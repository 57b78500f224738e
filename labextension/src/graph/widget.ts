import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Widget } from '@lumino/widgets';
import type { Conversation, FindConversation } from '../comm.js';
import { type GraphData, isProblem, type KernelAnswer, readGraph } from '../protocol.js';
import { isSame } from '../reading.js';
import type { Request } from '../requests.js';
import { cleanSvg } from '../svg.js';
import { GRAPH_MIME } from '../tokens.js';
import { Drawing } from './drawing.js';
import { legendOf } from './legend.js';
import { UNKNOWN_TO_KERNEL } from './words.js';
import { Zoom } from './zoom.js';

/** More nodes than this that run at the same time do not move: the page would do nothing else. */
const LIVELY = 20;

/** What is on the page now, and the output that it came from. */
interface Shown {
  readonly model: IRenderMime.IMimeModel;
  readonly data: GraphData;
  readonly drawing: Drawing;
}

/**
 * The output of a graph's cell: one line of status, the drawing, its legend,
 * and what the kernel had to object.
 *
 * JupyterLab hands the same widget every update of the output. It shows what
 * the kernel sends and decides nothing: a press is a message, and the dot
 * appears when the kernel has set the breakpoint.
 */
export class GraphWidget extends Widget implements IRenderMime.IRenderer {
  private readonly head = box('nbhitl-Graph-head');
  private readonly status = line('nbhitl-Graph-status');
  private readonly canvas = box('nbhitl-Graph-canvas');
  private readonly legend = box('nbhitl-Legend');
  private readonly notice = line('nbhitl-Graph-notice');
  private readonly zoom = new Zoom(this.canvas, () => this.follow());
  private shown: Shown | null = null;
  /** Whether the kernel was asked for something that no node waits for: it answers all the same. */
  private isWaiting = false;
  /** The node that gets the focus in the next layout. */
  private focused: string | null = null;
  /** The node that was brought into sight last. */
  private followed: Element | null = null;

  constructor(private readonly findConversation: FindConversation) {
    super();
    this.addClass('nbhitl-Graph');
    this.head.append(this.status, this.zoom.element);
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const data = readGraph(model.data[GRAPH_MIME]);
    if (isProblem(data)) {
      this.showAsText(data.problem, model);
      return;
    }
    const before = this.shown?.data ?? null;
    const drawing = this.drawingOf(data);
    if (!drawing) {
      this.showAsText('its SVG is damaged', model);
      return;
    }
    this.shown = { model, data, drawing };
    drawing.show(data);
    this.showWords(data, before);
    this.follow();
    if (this.focused !== null && before?.svg !== data.svg) {
      drawing.focus(this.focused);
      this.focused = null;
    }
  }

  /** Take an update of the kernel, if it is for this drawing and JupyterLab has not brought it already. */
  takeUpdate(bundle: IRenderMime.IMimeModel['data']): void {
    const data = readGraph(bundle[GRAPH_MIME]);
    if (!this.shown || isProblem(data) || data.view !== this.shown.data.view) {
      return;
    }
    if (!isSame(data, this.shown.data)) {
      // Through the model, so that the notebook is saved as it is seen; it calls `renderModel`.
      this.shown.model.setData({ data: bundle });
    }
  }

  /** The drawing on the page if the layout is still the same, else a new one in its place. */
  private drawingOf(data: GraphData): Drawing | null {
    if (this.shown?.data.svg === data.svg) {
      return this.shown.drawing;
    }
    const svg = cleanSvg(data.svg);
    if (isProblem(svg)) {
      return null;
    }
    const drawing = new Drawing(svg, request => this.ask(request));
    this.canvas.replaceChildren(drawing.element);
    this.node.replaceChildren(this.head, this.canvas, this.legend, this.notice);
    this.zoom.take(drawing.element);
    return drawing;
  }

  private showWords(data: GraphData, before: GraphData | null): void {
    const said = data.text ? `${data.heading}: ${data.text}` : data.heading;
    const names = [data.graph, data.thread].filter(Boolean).flatMap(text => [name(text), ' · ']);
    this.status.replaceChildren(...names, said);
    this.node.dataset.status = data.status;
    this.node.dataset.calm = String(data.nodes.filter(node => node.state === 'running').length > LIVELY);
    if (!before || !isSame([data.legend, data.elsewhere], [before.legend, before.elsewhere])) {
      this.legend.replaceChildren(...legendOf(data.legend, data.elsewhere));
    }
  }

  /** Bring the node where the run is into sight, when that has moved; the notebook stays where it is. */
  private follow(): void {
    const active = this.shown?.drawing.active ?? null;
    if (active !== this.followed) {
      requestAnimationFrame(() => this.reveal(active));
    }
  }

  private reveal(active: Element | null): void {
    const { canvas } = this;
    // What is not laid out yet calls again when it has a size.
    if (canvas.clientHeight === 0) {
      return;
    }
    this.followed = active;
    if (!active || (canvas.scrollWidth <= canvas.clientWidth && canvas.scrollHeight <= canvas.clientHeight)) {
      return;
    }
    const [node, frame] = [active.getBoundingClientRect(), canvas.getBoundingClientRect()];
    if (node.left < frame.left || node.right > frame.right) {
      canvas.scrollLeft += (node.left + node.right - frame.left - frame.right) / 2;
    }
    if (node.top < frame.top || node.bottom > frame.bottom) {
      canvas.scrollTop += (node.top + node.bottom - frame.top - frame.bottom) / 2;
    }
  }

  private showAsText(problem: string, model: IRenderMime.IMimeModel): void {
    const text = model.data['text/plain'];
    this.shown = null;
    this.say(`This graph cannot be drawn: ${problem}.${typeof text === 'string' ? `\n${text}` : ''}`);
    this.node.replaceChildren(this.notice);
  }

  private ask(request: Request): void {
    if (!this.shown) {
      return;
    }
    this.say('');
    this.isWaiting = true;
    this.focused = request.type === 'open_subgraph' ? request.node : null;
    const conversation = this.findConversation(this.node);
    if (!conversation) {
      this.onLost();
      return;
    }
    // Connecting twice is once; `dispose` disconnects.
    conversation.answered.connect(this.onAnswer, this);
    conversation.lost.connect(this.onLost, this);
    const { view, graph, thread } = this.shown.data;
    void conversation.send({ ...request, view, graph, thread });
  }

  private onAnswer(_sender: Conversation, answer: KernelAnswer): void {
    const { data, drawing } = this.shown ?? {};
    if (answer.view !== null ? answer.view !== data?.view : !this.isWaiting) {
      return;
    }
    this.isWaiting = false;
    drawing?.settle();
    this.say(answer.type === 'error' ? answer.text : '');
  }

  private onLost(): void {
    if (this.isWaiting) {
      this.isWaiting = false;
      this.shown?.drawing.settle();
      this.say(UNKNOWN_TO_KERNEL);
    }
  }

  private say(text: string): void {
    this.notice.textContent = text;
  }
}

function box(className: string): HTMLElement {
  const element = document.createElement('div');
  element.className = className;
  return element;
}

/** A line that assistive technology reads out when it changes. */
function line(className: string): HTMLElement {
  const element = box(className);
  element.setAttribute('role', 'status');
  return element;
}

/** A name, kept from turning the text around it when it is written right to left. */
function name(text: string): HTMLElement {
  const element = document.createElement('bdi');
  element.textContent = text;
  return element;
}
