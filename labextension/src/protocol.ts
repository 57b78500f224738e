/**
 * What the kernel sends to the page, and the check of all of it.
 *
 * A notebook file can come from anyone and a kernel can be newer than this
 * extension, so nothing beyond this file meets unchecked data.
 */

import { count, flag, isRecord, listOf, oneOf, or, orNull, type Read, shapeOf, text } from './reading.js';
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

export const BREAKPOINT_KINDS = ['before', 'after', 'error', 'interrupt', 'edge', 'change'] as const;
export type BreakpointKind = (typeof BREAKPOINT_KINDS)[number];

/** How a breakpoint is shown, or several that share a place. */
export interface Marker {
  /** What stands on it: `=` for a condition, `≥3` for its hits, ... */
  readonly sign: string;
  /** It prints a text in place of stopping. */
  readonly log: boolean;
  readonly enabled: boolean;
  /** Whether its place is in the graph. */
  readonly known: boolean;
  /** It, in words. */
  readonly said: string;
}

/** The markers of a node: before it at the upper left, after it at the lower right. */
export interface Spots {
  readonly before: Marker | null;
  readonly after: Marker | null;
}

/** A breakpoint as the kernel has it. */
export interface Breakpoint {
  readonly id: string;
  readonly kind: BreakpointKind;
  /** Of an edge: where it leads. */
  readonly target: string;
  /** Of a fan-out: which of the tasks; null for each of them. */
  readonly branch: number | null;
  readonly condition: string;
  readonly hits: string;
  readonly log: string;
  readonly once: boolean;
  readonly enabled: boolean;
}

/** A node, or the frame of an opened sub-graph. */
export interface GraphNode {
  /** The id of the node's group in the SVG. */
  readonly id: string;
  /** The node's path in the graph, which is what the kernel knows it by. */
  readonly name: string;
  readonly label: string;
  readonly state: NodeState;
  /** State and breakpoints in words. */
  readonly said: string;
  /** What stands below it: `3/10 done`, `x4`; or nothing. */
  readonly count: string;
  /** Of a node that runs a sub-graph: how it is shown. */
  readonly subgraph: 'open' | 'closed' | null;
  /** Whether a breakpoint can be set here; START and END refuse one. */
  readonly breakable: boolean;
  readonly markers: Spots;
  readonly breakpoints: readonly Breakpoint[];
}

/** A step that a line stands for: from one node to another. */
export interface Pair {
  readonly source: string;
  readonly target: string;
}

export interface GraphEdge {
  readonly id: string;
  readonly taken: boolean;
  readonly pairs: readonly Pair[];
  readonly marker: Marker | null;
}

/** A sign that is in use, and what it means. */
export interface LegendEntry {
  readonly sign: string;
  readonly text: string;
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
  /** The status in a word or two. */
  readonly heading: string;
  /** The status in words: "at the breakpoint before publish". */
  readonly text: string;
  readonly legend: readonly LegendEntry[];
  /** Breakpoints that have no place on the drawing. */
  readonly elsewhere: readonly Marker[];
}

/** Why data cannot be used, in words for the reader. */
export interface Problem {
  readonly problem: string;
}

/** The kernel's answer to a message. Without `view` it is meant for every drawing that waits for one. */
export type KernelAnswer =
  | { readonly type: 'ok'; readonly view: string | null }
  | { readonly type: 'error'; readonly view: string | null; readonly text: string };

const readMarker = shapeOf<Marker>({ sign: text, log: flag, enabled: flag, known: flag, said: text });

const readSpots = shapeOf<Spots>({
  before: or<Marker | null>(orNull(readMarker), null),
  after: or<Marker | null>(orNull(readMarker), null)
});

const NO_SPOTS: Spots = { before: null, after: null };

const readBreakpoint = shapeOf<Breakpoint>({
  id: text,
  kind: oneOf(BREAKPOINT_KINDS),
  target: text,
  branch: orNull(count),
  condition: text,
  hits: text,
  log: text,
  once: flag,
  enabled: flag
});

const readNode = shapeOf<GraphNode>({
  id: text,
  name: text,
  label: text,
  state: oneOf(NODE_STATES),
  said: text,
  count: or(text, ''),
  subgraph: or<GraphNode['subgraph']>(orNull(oneOf(['open', 'closed'])), null),
  breakable: or(flag, false),
  markers: or(readSpots, NO_SPOTS),
  breakpoints: or(listOf(readBreakpoint), [])
});

const readPair: Read<Pair> = data => {
  const [source, target] = listOf(text)(data) ?? [];
  return source !== undefined && target !== undefined ? { source, target } : undefined;
};

const readEdge = shapeOf<GraphEdge>({
  id: text,
  taken: or(flag, false),
  pairs: or(listOf(readPair), []),
  marker: or<Marker | null>(orNull(readMarker), null)
});

const readData = shapeOf<GraphData>({
  view: text,
  graph: text,
  thread: text,
  svg: text,
  nodes: listOf(readNode),
  edges: listOf(readEdge),
  status: oneOf(GRAPH_STATUSES),
  heading: text,
  text,
  legend: listOf(shapeOf<LegendEntry>({ sign: text, text })),
  elsewhere: listOf(readMarker)
});

export function isProblem(value: object): value is Problem {
  return 'problem' in value;
}

/** Check the data of a drawing. */
export function readGraph(data: unknown): GraphData | Problem {
  if (!isRecord(data)) {
    return { problem: 'it holds no data' };
  }
  if (data.version !== GRAPH_VERSION) {
    const older = typeof data.version === 'number' && data.version < GRAPH_VERSION;
    return {
      problem: older
        ? 'it was saved by an older version of nbhitl; run its cell again to draw it anew'
        : 'it was made by another version of nbhitl than the one installed in JupyterLab'
    };
  }
  return readData(data) ?? { problem: 'its data is damaged' };
}

/** Check a message of the kernel; null for one that this extension does not know. */
export function readAnswer(data: unknown): KernelAnswer | null {
  if (!isRecord(data)) {
    return null;
  }
  const view = text(data.view) ?? null;
  if (data.type === 'ok') {
    return { type: 'ok', view };
  }
  if (data.type === 'error') {
    return { type: 'error', view, text: text(data.text) ?? 'The kernel refused, without saying why.' };
  }
  return null;
}
