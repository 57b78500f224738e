/**
 * Brings updates of drawings that JupyterLab lets fall.
 *
 * JupyterLab knows which output a display id belongs to only in the page that
 * ran the cell. After a reload the kernel's updates have no place to go; but a
 * drawing knows the id that it was displayed with.
 */

import type { INotebookTracker } from '@jupyterlab/notebook';
import { KernelMessage } from '@jupyterlab/services';
import type { GraphWidget } from './graph/widget.js';

/** Show the updates of the kernels of all notebooks in those drawings that they are meant for. */
export function followUpdates(tracker: INotebookTracker, drawings: Iterable<GraphWidget>): void {
  tracker.widgetAdded.connect((_, panel) => {
    panel.sessionContext.iopubMessage.connect((_, message) => {
      if (KernelMessage.isUpdateDisplayDataMsg(message)) {
        for (const drawing of drawings) {
          drawing.takeUpdate(message.content.data);
        }
      }
    });
  });
}
