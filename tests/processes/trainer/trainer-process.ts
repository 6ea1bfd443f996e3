// A real trainer process, launched as the application launches it; its messages are collected in order.
import { type ChildExit, type ChildPort, createNodeLauncher } from '../../../src/core/system/launcher.ts'
import {
  type TrainerCommand,
  type TrainerEvent,
  type TrainerJob,
  type TrainerMessage,
  trainerEvent,
} from '../../../src/shared/trainer-protocol.ts'

export interface TrainerProcess {
  readonly child: ChildPort
  /** Every message so far, heartbeats too. */
  readonly messages: TrainerMessage[]
  readonly exited: Promise<ChildExit>
  send(command: TrainerCommand): void
  /** Resolves with the first event that `accepts`, past ones included; rejects if the process ends without. */
  waitFor(accepts: (event: TrainerEvent) => boolean): Promise<TrainerEvent>
}

export function startTrainer(
  job: TrainerJob,
  onEvent: (event: TrainerEvent, child: ChildPort) => void = () => {},
): TrainerProcess {
  const child = createNodeLauncher().launch('trainer')
  const messages: TrainerMessage[] = []
  const waiting = new Set<() => void>()
  let exit: ChildExit | null = null
  child.onMessage((raw) => {
    const { seq, event } = raw as TrainerMessage
    const message = { seq, event: trainerEvent.parse(event) }
    messages.push(message)
    onEvent(message.event, child)
    for (const check of waiting) check()
  })
  const exited = new Promise<ChildExit>((resolve) => {
    child.onExit((ended) => {
      exit = ended
      for (const check of waiting) check()
      resolve(ended)
    })
  })
  child.send({ kind: 'start', job } satisfies TrainerCommand)
  return {
    child,
    messages,
    exited,
    send: (command) => child.send(command),
    waitFor: (accepts) =>
      new Promise((resolve, reject) => {
        const check = () => {
          const found = messages.find(({ event }) => accepts(event))
          if (found) resolve(found.event)
          else if (exit) reject(new Error(`the trainer ended first: ${JSON.stringify(exit)}`))
          else return
          waiting.delete(check)
        }
        waiting.add(check)
        check()
      }),
  }
}

/** Runs a trainer to its end. */
export async function runTrainer(
  job: TrainerJob,
  onEvent?: (event: TrainerEvent, child: ChildPort) => void,
): Promise<{ messages: TrainerMessage[]; exit: ChildExit }> {
  const trainer = startTrainer(job, onEvent)
  const exit = await trainer.exited
  return { messages: trainer.messages, exit }
}

export const stored = (messages: readonly TrainerMessage[]): TrainerMessage[] =>
  messages.filter(({ event }) => event.kind !== 'heartbeat')

export const eventsIn = (messages: readonly TrainerMessage[]): TrainerEvent[] =>
  stored(messages).map(({ event }) => event)

/**
 * What a run computed, by step: losses, norms, rates and measurements as exact numbers, without durations. A step that
 * was computed again after a kill must say the same; if it does not this throws.
 */
export function curveOf(events: readonly TrainerEvent[]): Map<string, string> {
  const curve = new Map<string, string>()
  for (const event of events) {
    if (event.kind !== 'step' && event.kind !== 'evaluation') continue
    const key = `${event.kind} ${event.step}`
    const value = JSON.stringify({ ...event, durationMs: 0 })
    const before = curve.get(key)
    if (before !== undefined && before !== value) throw new Error(`${before} became ${value}`)
    curve.set(key, value)
  }
  return curve
}

export function finishedOf(events: readonly TrainerEvent[]): Extract<TrainerEvent, { kind: 'finished' }> {
  const last = events.at(-1)
  if (last?.kind !== 'finished') throw new Error(`the run did not finish: ${JSON.stringify(last)}`)
  return last
}
