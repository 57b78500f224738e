import { type LegendEntry, type Marker, NODE_STATES } from '../protocol.js';
import { Badge } from './badge.js';
import { Count } from './count.js';
import { MarkerView } from './marker.js';
import { groupAt, svg } from './shapes.js';

const PLAIN: Marker = { sign: '', log: false, enabled: true, known: true, said: '' };
const CENTRE = { x: 9, y: 8 };

/** The line below a drawing: the signs that are in use, and the breakpoints that have no place. */
export function legendOf(entries: readonly LegendEntry[], elsewhere: readonly Marker[]): HTMLElement[] {
  const lines = elsewhere.map(marker => entry('nbhitl-Legend-elsewhere', markerSample(marker), marker.said));
  if (!entries.length) {
    return lines;
  }
  const signs = document.createElement('div');
  signs.className = 'nbhitl-Legend-signs';
  signs.append(...entries.map(({ sign, text }) => entry('nbhitl-Legend-entry', sample(sign), text)));
  return [signs, ...lines];
}

function entry(className: string, sign: Node | null, text: string): HTMLElement {
  const element = document.createElement('span');
  element.className = className;
  if (sign) {
    element.append(svg('svg', { width: '18', height: '16', 'aria-hidden': 'true' }, sign));
  }
  const words = document.createElement('span');
  words.className = 'nbhitl-Legend-words';
  words.textContent = text;
  element.append(words);
  return element;
}

/** A sign by the name that the kernel gives it; none for a name that this extension does not know. */
function sample(sign: string): Node | null {
  const state = NODE_STATES.find(one => one === sign);
  if (state === 'next') {
    const looks = { x: '2', y: '3', width: '14', height: '10', rx: '2.5', class: 'nbhitl-Legend-next' };
    return svg('rect', looks);
  }
  if (state) {
    const badge = new Badge(CENTRE);
    badge.show(state);
    return badge.element;
  }
  switch (sign) {
    case 'dot':
      return markerSample(PLAIN);
    case 'diamond':
      return markerSample({ ...PLAIN, log: true });
    case 'disabled':
      return markerSample({ ...PLAIN, enabled: false });
    case '=':
    case '3':
      return markerSample({ ...PLAIN, sign });
    case 'after': {
      const node = svg('path', { d: 'M-7-6H4V3H-7Z', class: 'nbhitl-Legend-node' });
      return groupAt('nbhitl-Marker', CENTRE, node, svg('circle', { cx: '4', cy: '3', r: '3.5' }));
    }
    case 'x': {
      const count = new Count(CENTRE);
      count.show('x2');
      return count.element;
    }
    case '+': {
      const box = svg('rect', { x: '-6', y: '-6', width: '12', height: '12', rx: '2.5' });
      return groupAt('nbhitl-Control', CENTRE, box, svg('path', { d: 'M-3 0H3M0-3V3' }));
    }
    default:
      return null;
  }
}

function markerSample(marker: Marker): Node {
  const view = new MarkerView('', CENTRE);
  view.show(marker);
  return view.element;
}
