/** The conversation with kernels: requests go out, short answers come back. */

import type { INotebookTracker } from '@jupyterlab/notebook';
import type { Kernel } from '@jupyterlab/services';
import { Signal } from '@lumino/signaling';
import { type KernelAnswer, readAnswer } from './protocol.js';
import type { Message } from './requests.js';
import { COMM_TARGET } from './tokens.js';

/** A kernel that never says whether its subshell started must not keep a click waiting. */
const SUBSHELL_WAIT_MS = 1000;

/** One comm with one kernel, opened by the first message and again after a restart. */
export class Conversation {
  /** The kernel answered. */
  readonly answered = new Signal<this, KernelAnswer>(this);

  /** The kernel does not know us, or not any more: nothing that was sent will be answered. */
  readonly lost = new Signal<this, void>(this);

  private comm: Promise<Kernel.IComm> | null = null;

  constructor(private readonly kernel: Kernel.IKernelConnection) {
    kernel.statusChanged.connect((_, status) => {
      if (status === 'restarting' || status === 'autorestarting' || status === 'dead') {
        this.drop();
      }
    });
  }

  /** Send a message; `lost` tells when it cannot be delivered. */
  async send(message: Message): Promise<void> {
    this.comm ??= this.open();
    const comm = this.comm;
    try {
      (await comm).send({ ...message });
    } catch {
      // Also reached when the kernel was restarted meanwhile; then `drop` has been here.
      if (this.comm === comm) {
        this.drop();
      }
    }
  }

  private async open(): Promise<Kernel.IComm> {
    const comm = this.kernel.createComm(COMM_TARGET);
    comm.onMsg = message => {
      const answer = readAnswer(message.content.data);
      if (answer) {
        this.answered.emit(answer);
      }
    };
    comm.onClose = () => this.drop();
    await this.subshellOf(comm);
    // Once the kernel has taken the opening, a later message cannot overtake it.
    await comm.open().done;
    return comm;
  }

  /**
   * Wait for the comm's subshell: without one, messages stand in line behind the
   * running cell, and a message sent on a subshell overtakes an opening that was not.
   */
  private async subshellOf(comm: Kernel.IComm): Promise<void> {
    await this.kernel.info;
    // The type does not name it, though JupyterLab has had it since 4.4.
    const { subshellStarted } = comm as { subshellStarted?: Promise<void> };
    if (this.kernel.supportsSubshells && subshellStarted) {
      const patience = new Promise(resolve => setTimeout(resolve, SUBSHELL_WAIT_MS));
      // A subshell that failed to start is no reason not to talk.
      await Promise.race([subshellStarted.catch(() => undefined), patience]);
    }
  }

  private drop(): void {
    this.comm = null;
    this.lost.emit();
  }
}

/** Finds the conversation with the kernel of the notebook that holds an element. */
export type FindConversation = (element: Node) => Conversation | null;

/** One conversation per kernel connection, made when it is first asked for. */
export function conversations(tracker: INotebookTracker | null): FindConversation {
  const byKernel = new WeakMap<Kernel.IKernelConnection, Conversation>();
  return element => {
    const panel = tracker?.find(candidate => candidate.node.contains(element));
    const kernel = panel?.sessionContext.session?.kernel;
    if (!kernel) {
      return null;
    }
    const conversation = byKernel.get(kernel) ?? new Conversation(kernel);
    byKernel.set(kernel, conversation);
    return conversation;
  };
}
