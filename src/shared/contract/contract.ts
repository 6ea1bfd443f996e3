// The contract between screens and core: every call and every event, once. Electron's bridge, the browser host's socket,
// tests and the command line all serve exactly this.
import type { z } from 'zod'
import type { Result } from '../result.ts'
import { archiveCalls, archiveEvents } from './archive.ts'
import { chatCalls, chatEvents } from './chat.ts'
import { comparisonCalls } from './comparison.ts'
import { dataCalls } from './data.ts'
import { deviceCalls, engineCalls } from './devices.ts'
import { hostCalls, modelCalls, modelEvents } from './models.ts'
import { projectCalls, projectEvents } from './projects.ts'
import { resultCalls, resultEvents } from './results.ts'
import { studyCalls, studyEvents } from './studies.ts'
import { systemCalls, systemEvents } from './system.ts'
import { trainingCalls, trainingEvents } from './training.ts'

/** Answered by core, wherever it runs. */
export const coreCalls = {
  ...systemCalls,
  ...deviceCalls,
  ...engineCalls,
  ...projectCalls,
  ...dataCalls,
  ...modelCalls,
  ...trainingCalls,
  ...resultCalls,
  ...comparisonCalls,
  ...studyCalls,
  ...archiveCalls,
  ...chatCalls,
} as const

/** `host.*` is answered by what holds the window; a host that cannot do a thing answers `host.unavailable`. */
export const contractCalls = { ...coreCalls, ...hostCalls } as const

export const contractEvents = {
  ...systemEvents,
  ...projectEvents,
  ...modelEvents,
  ...trainingEvents,
  ...resultEvents,
  ...studyEvents,
  ...archiveEvents,
  ...chatEvents,
} as const

export type Calls = typeof contractCalls
export type CallName = keyof Calls
export type CoreCallName = keyof typeof coreCalls
export type HostCallName = keyof typeof hostCalls
export type CallInput<C extends CallName> = z.input<Calls[C]['input']>
export type CallParsedInput<C extends CallName> = z.output<Calls[C]['input']>
export type CallOutput<C extends CallName> = z.output<Calls[C]['output']>

export type Events = typeof contractEvents
export type EventName = keyof Events
export type EventPayload<E extends EventName> = z.output<Events[E]>

/** What a handler may return at once or later; a ProblemError thrown counts as the Problem. */
export type Handler<C extends CallName> = (
  input: CallParsedInput<C>,
) => Result<CallOutput<C>> | Promise<Result<CallOutput<C>>>
export type Handlers = { readonly [C in CallName]: Handler<C> }
export type CoreHandlers = { readonly [C in CoreCallName]: Handler<C> }
/** The handlers of one room, checked against the contract. */
export type SomeHandlers<C extends CallName> = { readonly [Name in C]: Handler<Name> }

/** Tells every screen; the payload is checked against the contract before it leaves. */
export type Emit = <E extends EventName>(event: E, payload: EventPayload<E>) => void
