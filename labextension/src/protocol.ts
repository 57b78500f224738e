/**
 * What travels between kernel and page, and the check of all that comes in.
 *
 * A notebook file can come from anyone and a kernel can be newer than this
 * extension, so nothing beyond this file meets unchecked data.
 */

import { GRAPH_VERSION } from './tokens.js';

export const NODE_STATES = ['idle', 'next', 'running', 'done', 'failed', 'waiting', 'paused'] as const;
export type NodeState = (typeof NODE_STATES)[number];

export const GRAPH_STATUSES = [
  'running',
  'interrupted',
  'breakpoint',
  'failed',
  'finished',
  'drained',
  'idle'
] as const;
export type GraphStatus = (typeof GRAPH_STATUSES)[number];

export const BREAKPOINTS = ['before', 'disabled'] as const;
export type Breakpoint = (typeof BREAKPOINTS)[number];

export interface GraphNode {
  /** The id of the node's group in the SVG. */
  readonly id: string;
  /** The node's name in the graph, which is what the kernel knows it by. */
  readonly name: string;
  readonly label: string;
  readonly state: NodeState;
  readonly breakpoint: Breakpoint | null;
  /** Whether a breakpoint can be set here; START and END refuse one. */
  readonly breakable: boolean;
}

export interface GraphEdge {
  readonly id: string;
  readonly taken: boolean;
}

/** One drawing: the layout as SVG, and what is to be seen on it now. */
export interface GraphData {
  /** The display id; several drawings of one thread have different ones. */
  readonly view: string;
  readonly graph: string;
  readonly thread: string;
  /** Graphviz's layout, without states, so that it stays the same during a run. */
  readonly svg: string;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  readonly status: GraphStatus;
  /** The status in words: "at the breakpoint before publish". */
  readonly text: string;
}

/** Why data cannot be used, in words for the reader. */
export interface Problem {
  readonly problem: string;
}

export interface ToggleBreakpoint {
  readonly type: 'toggle_breakpoint';
  readonly view: string;
  readonly graph: string;
  readonly thread: string;
  readonly node: string;
}

/**
 * The kernel's answer to a message. Without `view` it is meant for every
 * drawing that waits for one.
 */
export type KernelAnswer =
  | { readonly type: 'ok'; readonly view: string | null }
  | { readonly type: 'error'; readonly view: string | null; readonly text: string };

export function isProblem(value: object): value is Problem {
  return 'problem' in value;
}

/** Check the data of a drawing. */
export function readGraph(data: unknown): GraphData | Problem {
  if (!isRecord(data)) {
    return { problem: 'it holds no data' };
  }
  if (data.version !== GRAPH_VERSION) {
    return { problem: 'it was made by another version of nbhitl than the one installed in JupyterLab' };
  }
  const { view, graph, thread, svg, status, text } = data;
  const nodes = listOf(data.nodes, readNode);
  const edges = listOf(data.edges, readEdge);
  if (
    typeof view !== 'string' ||
    typeof graph !== 'string' ||
    typeof thread !== 'string' ||
    typeof svg !== 'string' ||
    typeof text !== 'string' ||
    !isOneOf(GRAPH_STATUSES, status) ||
    !nodes ||
    !edges
  ) {
    return { problem: 'its data is damaged' };
  }
  return { view, graph, thread, svg, nodes, edges, status, text };
}

/** Check a message of the kernel; null for one that this extension does not know. */
export function readAnswer(data: unknown): KernelAnswer | null {
  if (!isRecord(data)) {
    return null;
  }
  const view = typeof data.view === 'string' ? data.view : null;
  if (data.type === 'ok') {
    return { type: 'ok', view };
  }
  if (data.type === 'error') {
    const text = typeof data.text === 'string' ? data.text : 'The kernel refused, without saying why.';
    return { type: 'error', view, text };
  }
  return null;
}

function readNode(data: unknown): GraphNode | null {
  if (!isRecord(data)) {
    return null;
  }
  const { id, name, label, state, breakpoint, breakable } = data;
  if (
    typeof id !== 'string' ||
    typeof name !== 'string' ||
    typeof label !== 'string' ||
    typeof breakable !== 'boolean' ||
    !isOneOf(NODE_STATES, state) ||
    !(breakpoint === null || isOneOf(BREAKPOINTS, breakpoint))
  ) {
    return null;
  }
  return { id, name, label, state, breakpoint, breakable };
}

function readEdge(data: unknown): GraphEdge | null {
  if (!isRecord(data) || typeof data.id !== 'string' || typeof data.taken !== 'boolean') {
    return null;
  }
  return { id: data.id, taken: data.taken };
}

/** All items read, or null when there is no list or one item is damaged. */
function listOf<T>(data: unknown, read: (item: unknown) => T | null): T[] | null {
  if (!Array.isArray(data)) {
    return null;
  }
  const items = data.map(read);
  return items.every(item => item !== null) ? items : null;
}

function isOneOf<const T extends string>(words: readonly T[], value: unknown): value is T {
  return words.some(word => word === value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
