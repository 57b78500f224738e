/** What a node says in words; no state is told by its colour or shape alone. */

import type { GraphNode, NodeState } from '../protocol.js';

const STATES: Readonly<Record<NodeState, string>> = {
  idle: 'not run yet',
  next: 'runs next',
  running: 'running',
  done: 'done',
  failed: 'failed',
  waiting: 'waits for a person',
  paused: 'stopped here, about to run'
};

/** The kernel was restarted, or nbhitl is not loaded in it. */
export const UNKNOWN_TO_KERNEL = 'Run the cell first: the kernel does not know this graph.';

export function stateInWords(node: GraphNode): string {
  return STATES[node.state];
}

export function tooltip(node: GraphNode): string {
  const state = `${node.label}: ${stateInWords(node)}`;
  if (!node.breakable) {
    return state;
  }
  switch (node.breakpoint) {
    case null:
      return `${state}. Click to set a breakpoint`;
    case 'before':
      return `${state}. Breakpoint before it. Click to remove it`;
    case 'disabled':
      return `${state}. Breakpoint before it, disabled. Click to change it`;
  }
}

export function breakpointLabel(node: GraphNode): string {
  const label = `breakpoint before ${node.name}`;
  return node.breakpoint === 'disabled' ? `${label}, disabled` : label;
}
