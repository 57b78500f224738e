/** What the page asks of the kernel, which checks it all: the page decides nothing. */

import type { BreakpointKind } from './protocol.js';

/** A breakpoint as it should be; what is left out is as usual. A type and not an interface: those are no JSON. */
export type Spec = {
  readonly kind: BreakpointKind;
  readonly node: string;
  readonly target?: string;
  readonly branch?: number | null;
  readonly condition?: string;
  readonly hits?: string;
  readonly log?: string;
  readonly once?: boolean;
  readonly enabled?: boolean;
};

export type Request =
  | { readonly type: 'toggle_breakpoint'; readonly node: string }
  | { readonly type: 'set_breakpoint'; readonly breakpoint: Spec }
  | { readonly type: 'remove_breakpoint'; readonly id: string }
  | { readonly type: 'enable_breakpoint'; readonly id: string; readonly on: boolean }
  | { readonly type: 'open_subgraph'; readonly node: string; readonly open: boolean }
  | { readonly type: 'run_until'; readonly node: string };

/** A request, and which drawing makes it. */
export type Message = Request & { readonly view: string; readonly graph: string; readonly thread: string };
