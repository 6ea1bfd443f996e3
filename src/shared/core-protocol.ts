// What the window program and its core process say to each other. Both ends are ours; what a page sent travels inside
// `call` unread and is checked by the contract's dispatch in the core.
import type { Reply } from './contract/dispatch.ts'
import type { CallMessage } from './contract/pending-calls.ts'
import type { Problem, Result } from './result.ts'

/** The core's children are started by the window program, because only that can start utility processes. */
export type ToCore =
  | { readonly kind: 'open'; readonly home: string }
  | CallMessage
  /** A person picked this in a dialog; a page knows the handle only. */
  | { readonly kind: 'picked'; readonly handle: string; readonly path: string }
  | { readonly kind: 'exportPlace'; readonly id: number; readonly exportId: string }
  | { readonly kind: 'binAnswer'; readonly id: number; readonly result: Result<void> }
  | { readonly kind: 'childStarted'; readonly child: number; readonly pid: number | undefined }
  | { readonly kind: 'childMessage'; readonly child: number; readonly message: unknown }
  | { readonly kind: 'childExit'; readonly child: number; readonly exit: CoreChildExit }
  /** Stops runs with a checkpoint, closes the journal, then exits. */
  | { readonly kind: 'close' }

export type FromCore =
  | { readonly kind: 'opened'; readonly notices: readonly string[] }
  | { readonly kind: 'failed'; readonly problem: Problem }
  | { readonly kind: 'reply'; readonly id: number; readonly reply: Reply }
  | { readonly kind: 'event'; readonly event: string; readonly payload: unknown }
  | { readonly kind: 'place'; readonly id: number; readonly place: string | null }
  | { readonly kind: 'moveToBin'; readonly id: number; readonly path: string }
  | { readonly kind: 'launch'; readonly child: number; readonly name: string }
  | { readonly kind: 'childSend'; readonly child: number; readonly message: unknown }
  | { readonly kind: 'childKill'; readonly child: number }
  | { readonly kind: 'heartbeat' }
  | { readonly kind: 'closed' }

export interface CoreChildExit {
  readonly code: number | null
  readonly signal: string | null
  readonly lastWords: string
}

export const coreHeartbeatMs = 1_000
