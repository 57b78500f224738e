/** The menu of a node or an edge, and the small dialog that some of its entries open. */

import { InputDialog } from '@jupyterlab/apputils';
import { CommandRegistry } from '@lumino/commands';
import { Menu } from '@lumino/widgets';
import type { Request } from '../requests.js';
import type { Action, Question } from './actions.js';

/** Where a menu opens, in the coordinates of the window. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

/**
 * Open a menu; the arrow keys and Escape work in it.
 *
 * @param ask - called with what the reader chose
 * @param back - gets the focus when the menu closes
 */
export function openMenu(
  actions: readonly Action[],
  place: Place,
  ask: (request: Request) => void,
  back: SVGElement | null
): void {
  const commands = new CommandRegistry();
  const menu = new Menu({ commands });
  menu.addClass('nbhitl-Menu');
  actions.forEach((action, n) => {
    if (action.kind === 'separator') {
      menu.addItem({ type: 'separator' });
      return;
    }
    const command = `nbhitl:${n}`;
    // A label may be a name from anywhere: Lumino shows it as text, and no letter of it is a shortcut.
    commands.addCommand(command, {
      label: action.label,
      execute: () => {
        if (action.kind === 'request') {
          ask(action.request);
        } else {
          void put(action.question, ask);
        }
      }
    });
    menu.addItem({ command });
  });
  menu.aboutToClose.connect(() => back?.focus({ preventScroll: true }));
  menu.open(place.x, place.y);
}

async function put(question: Question, ask: (request: Request) => void): Promise<void> {
  const { title, label, placeholder, text, request } = question;
  const { button, value } = await InputDialog.getText({ title, label, placeholder, text });
  if (button.accept && value !== null) {
    ask(request(value.trim()));
  }
}
