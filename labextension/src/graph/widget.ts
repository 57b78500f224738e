import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Widget } from '@lumino/widgets';
import type { Conversation, FindConversation } from '../comm.js';
import { type GraphData, isProblem, type KernelAnswer, readGraph } from '../protocol.js';
import { cleanSvg } from '../svg.js';
import { GRAPH_MIME } from '../tokens.js';
import { Drawing } from './drawing.js';
import { UNKNOWN_TO_KERNEL } from './words.js';

/** What is on the page now, and the output that it came from. */
interface Shown {
  readonly model: IRenderMime.IMimeModel;
  readonly data: GraphData;
  readonly drawing: Drawing;
}

/**
 * The output of a graph's cell: one line of status, the drawing, and what the
 * kernel had to object.
 *
 * JupyterLab hands the same widget every update of the output. It shows what
 * the kernel sends and decides nothing: a press is a message, and the dot
 * appears when the kernel has set the breakpoint.
 */
export class GraphWidget extends Widget implements IRenderMime.IRenderer {
  private readonly status = line('nbhitl-Graph-status');
  private readonly canvas = document.createElement('div');
  private readonly notice = line('nbhitl-Graph-notice');
  private shown: Shown | null = null;

  constructor(private readonly findConversation: FindConversation) {
    super();
    this.addClass('nbhitl-Graph');
    this.canvas.className = 'nbhitl-Graph-canvas';
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const data = readGraph(model.data[GRAPH_MIME]);
    if (isProblem(data)) {
      this.showAsText(data.problem, model);
      return;
    }
    const drawing = this.drawingOf(data);
    if (!drawing) {
      this.showAsText('its SVG is damaged', model);
      return;
    }
    this.shown = { model, data, drawing };
    drawing.show(data);
    this.status.replaceChildren(name(data.graph), ' · ', name(data.thread), ' · ', data.text || data.status);
    this.node.dataset.status = data.status;
  }

  /** Take an update of the kernel, if it is for this drawing and JupyterLab has not brought it already. */
  takeUpdate(bundle: IRenderMime.IMimeModel['data']): void {
    const data = readGraph(bundle[GRAPH_MIME]);
    if (!this.shown || isProblem(data) || data.view !== this.shown.data.view) {
      return;
    }
    if (JSON.stringify(data) !== JSON.stringify(this.shown.data)) {
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
    const drawing = new Drawing(svg, node => this.onPress(node));
    this.canvas.replaceChildren(drawing.element);
    this.node.replaceChildren(this.status, this.canvas, this.notice);
    return drawing;
  }

  private showAsText(problem: string, model: IRenderMime.IMimeModel): void {
    const text = model.data['text/plain'];
    this.shown = null;
    this.say(`This graph cannot be drawn: ${problem}.${typeof text === 'string' ? `\n${text}` : ''}`);
    this.node.replaceChildren(this.notice);
  }

  private onPress(node: string): void {
    if (!this.shown) {
      return;
    }
    this.say('');
    const conversation = this.findConversation(this.node);
    if (!conversation) {
      this.onLost();
      return;
    }
    // Connecting twice is once; `dispose` disconnects.
    conversation.answered.connect(this.onAnswer, this);
    conversation.lost.connect(this.onLost, this);
    const { view, graph, thread } = this.shown.data;
    void conversation.send({ type: 'toggle_breakpoint', view, graph, thread, node });
  }

  private onAnswer(_sender: Conversation, answer: KernelAnswer): void {
    const { data, drawing } = this.shown ?? {};
    if (answer.view !== null ? answer.view !== data?.view : !drawing?.isPending) {
      return;
    }
    drawing?.settle();
    this.say(answer.type === 'error' ? answer.text : '');
  }

  private onLost(): void {
    if (this.shown?.drawing.isPending) {
      this.shown.drawing.settle();
      this.say(UNKNOWN_TO_KERNEL);
    }
  }

  private say(text: string): void {
    this.notice.textContent = text;
  }
}

/** A line that assistive technology reads out when it changes. */
function line(className: string): HTMLElement {
  const element = document.createElement('div');
  element.className = className;
  element.setAttribute('role', 'status');
  return element;
}

/** A name, kept from turning the text around it when it is written right to left. */
function name(text: string): HTMLElement {
  const element = document.createElement('bdi');
  element.textContent = text;
  return element;
}
