/** What nodes say in words; states and breakpoints come in words from the kernel. */

import type { Breakpoint, GraphNode } from '../protocol.js';

/** The kernel was restarted, or nbhitl is not loaded in it. */
export const UNKNOWN_TO_KERNEL = 'Run the cell first: the kernel does not know this graph.';

/** A breakpoint of a node that all tasks share, if there is one. */
export function pointAt(node: GraphNode, kind: 'before' | 'after'): Breakpoint | null {
  return node.breakpoints.find(point => point.kind === kind && point.branch === null) ?? null;
}

/** Whether a breakpoint says nothing that somebody had to type. */
export function isPlain(point: Breakpoint): boolean {
  return !(point.condition || point.hits || point.log);
}

export function tooltip(node: GraphNode): string {
  const state = `${node.label}: ${node.said}`;
  return node.breakable ? `${state}.\n${whatAClickDoes(node)}, right-click for more.` : state;
}

function whatAClickDoes(node: GraphNode): string {
  const point = pointAt(node, 'before');
  if (!point) {
    return 'Click to set a breakpoint before it';
  }
  if (isPlain(point)) {
    return 'Click to remove the breakpoint before it';
  }
  return `Click to ${point.enabled ? 'disable' : 'enable'} the breakpoint before it`;
}

export function breakpointLabel(node: GraphNode): string {
  const label = `breakpoint before ${node.name}`;
  const said = node.markers.before?.said.replace(`before ${node.name}`, '') ?? '';
  return label + said;
}
