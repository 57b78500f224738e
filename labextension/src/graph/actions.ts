/** What can be done at a node or an edge: the entries of its menu, and what each asks of the kernel. */

import type { Breakpoint, BreakpointKind, GraphEdge, GraphNode } from '../protocol.js';
import type { Request, Spec } from '../requests.js';
import { pointAt } from './words.js';

/** What a dialog asks for. */
export interface Question {
  readonly title: string;
  readonly label: string;
  readonly placeholder: string;
  readonly text: string;
  /** What to ask of the kernel with the text that was typed. */
  readonly request: (text: string) => Request;
}

export type Action =
  | { readonly kind: 'separator' }
  | { readonly kind: 'request'; readonly label: string; readonly request: Request }
  | { readonly kind: 'question'; readonly label: string; readonly question: Question };

const SEPARATOR: Action = { kind: 'separator' };

/** The entries of a node's menu. */
export function nodeActions(node: GraphNode, edges: readonly GraphEdge[]): Action[] {
  const before = pointAt(node, 'before');
  const after = pointAt(node, 'after');
  const leaving = edges.flatMap(edge => edge.pairs).filter(pair => pair.source === node.name);
  return [
    setOrRemove(before, { kind: 'before', node: node.name }, 'before it'),
    setOrRemove(after, { kind: 'after', node: node.name }, 'after it'),
    ...leaving.map(({ source, target }) => edgeSwitch(node.breakpoints, source, target)),
    SEPARATOR,
    // With a breakpoint on either side, these are about the one before the node.
    ...details(before ?? after, { kind: before || !after ? 'before' : 'after', node: node.name }),
    SEPARATOR,
    { kind: 'request', label: 'Run until here', request: { type: 'run_until', node: node.name } },
    ...subgraphActions(node)
  ];
}

/** The entries of an edge's menu; none for an edge that stands for no step. */
export function edgeActions(edge: GraphEdge, nodes: readonly GraphNode[]): Action[] {
  const [pair] = edge.pairs;
  if (!pair) {
    return [];
  }
  const { source, target } = pair;
  const points = nodes.flatMap(node => (node.name === source ? node.breakpoints : []));
  const point = edgePoint(points, target);
  return [
    edgeSwitch(points, source, target),
    SEPARATOR,
    ...details(point, { kind: 'edge', node: source, target })
  ];
}

function setOrRemove(point: Breakpoint | null, spec: Spec, where: string): Action {
  const request: Request = point
    ? { type: 'remove_breakpoint', id: point.id }
    : { type: 'set_breakpoint', breakpoint: spec };
  return { kind: 'request', label: point ? `Remove the breakpoint ${where}` : `Break ${where}`, request };
}

function edgeSwitch(points: readonly Breakpoint[], source: string, target: string): Action {
  const shown = target === '__end__' ? 'END' : target;
  return setOrRemove(
    edgePoint(points, target),
    { kind: 'edge', node: source, target },
    `on the way to ${shown}`
  );
}

function edgePoint(points: readonly Breakpoint[], target: string): Breakpoint | null {
  return points.find(point => point.kind === 'edge' && point.target === target) ?? null;
}

/** What a breakpoint depends on; a place without one gets it with the first of them. */
function details(
  point: Breakpoint | null,
  place: { kind: BreakpointKind; node: string; target?: string }
): Action[] {
  const spec: Spec = point ? { ...place, ...settings(point) } : place;
  const change = (news: Partial<Spec>): Request => ({
    type: 'set_breakpoint',
    breakpoint: { ...spec, ...news }
  });
  const ask = (label: string, what: Omit<Question, 'title'>): Action => ({
    kind: 'question',
    label: `${label}…`,
    question: { title: `${label}: ${point?.id ?? `${place.kind} ${place.node}`}`, ...what }
  });
  const actions = [
    ask('Condition', {
      label: 'Stop only if this is true; the keys of the state are its names. Empty: always.',
      placeholder: 'score > 3',
      text: spec.condition ?? '',
      request: condition => change({ condition })
    }),
    ask('Hit count', {
      label: 'At which of its hits to stop: 3, >=3 or %3 (each third). Empty: at each.',
      placeholder: '>=3',
      text: spec.hits ?? '',
      request: hits => change({ hits })
    }),
    ask('Log text', {
      label: 'Print this in place of stopping, with expressions in braces. Empty: stop.',
      placeholder: 'score is {score}',
      text: spec.log ?? '',
      request: log => change({ log })
    })
  ];
  if (point) {
    const { id, enabled, once } = point;
    actions.push(
      {
        kind: 'request',
        label: once ? 'Stop each time' : 'Stop only once',
        request: change({ once: !once })
      },
      {
        kind: 'request',
        label: enabled ? 'Disable' : 'Enable',
        request: { type: 'enable_breakpoint', id, on: !enabled }
      }
    );
  }
  return actions;
}

function settings({ branch, condition, hits, log, once, enabled }: Breakpoint): Omit<Spec, 'kind' | 'node'> {
  return { branch, condition, hits, log, once, enabled };
}

function subgraphActions(node: GraphNode): Action[] {
  if (!node.subgraph) {
    return [];
  }
  const open = node.subgraph === 'closed';
  const label = open ? 'Open the sub-graph' : 'Close the sub-graph';
  return [{ kind: 'request', label, request: { type: 'open_subgraph', node: node.name, open } }];
}
