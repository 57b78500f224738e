/** Wiring only: what JupyterLab has to offer is handed to the parts that need it. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { conversations } from './comm.js';
import { GraphWidget } from './graph/widget.js';
import { GRAPH_MIME, RENDERER_RANK } from './tokens.js';
import { followUpdates } from './updates.js';

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'nbhitl:graph',
  description: 'Draws the graphs of nbhitl and sets breakpoints on their nodes.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  // Where there are no notebooks, a graph is drawn and takes no breakpoints.
  optional: [INotebookTracker],
  activate: (_app: JupyterFrontEnd, rendermime: IRenderMimeRegistry, tracker: INotebookTracker | null) => {
    const findConversation = conversations(tracker);
    const drawings = new Set<GraphWidget>();
    const createRenderer = () => {
      const drawing = new GraphWidget(findConversation);
      drawings.add(drawing);
      drawing.disposed.connect(() => drawings.delete(drawing));
      return drawing;
    };
    rendermime.addFactory({
      safe: true,
      mimeTypes: [GRAPH_MIME],
      defaultRank: RENDERER_RANK,
      createRenderer
    });
    if (tracker) {
      followUpdates(tracker, drawings);
    }
  }
};

export default plugin;
