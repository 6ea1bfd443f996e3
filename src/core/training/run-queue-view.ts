// What the queue shows: its entries in their order, and of each that waits why. Reads, never changes.
import type { QueueItem } from '#shared/contract/index.ts'
import type { LiveRuns } from './live-runs.ts'
import { type Holder, standingAhead, type Waiter } from './run-queue-order.ts'
import type { QueueReader, QueueRecord, StudySource, TurnWish } from './run-queue-port.ts'
import type { Place, Slot } from './run-queue-slots.ts'
import { type Ahead, aboutToBegin, aheadSentence, runningSentence, whenOpen } from './run-queue-words.ts'

/** A wish for a turn that was not granted yet. */
export interface Wish extends TurnWish, Waiter {
  places: readonly Place[]
  slots: readonly Slot[]
  isHeld: boolean
  /** A person started it just now. */
  isByHand: boolean
}

interface ViewPorts {
  readonly records: () => readonly QueueRecord[]
  /** In the order in which they go. */
  readonly wishes: () => readonly Wish[]
  readonly turns: () => readonly Holder[]
  readonly holding: () => string | null
  readonly studies: () => StudySource | null
  readonly reader: Pick<QueueReader, 'getRun'>
  readonly runs: Pick<LiveRuns, 'stateOf'>
}

type Entry = Pick<QueueItem, 'kind' | 'id'>

export function createQueueView(ports: ViewPorts) {
  const { reader, runs } = ports

  const nameOf = ({ kind, id }: Entry): string => {
    const run = kind === 'run' ? reader.getRun(id) : null
    return (run?.ok ? run.value.name : ports.studies()?.describe(id)?.name) ?? id
  }

  function aheadOf(holder: Holder, isBeforeIt: boolean): Ahead {
    const { kind, id } = holder
    const name = nameOf(holder)
    if (kind === 'study') {
      const study = ports.studies()?.describe(id) ?? null
      const timeLeftMs = (isBeforeIt ? study?.turnLeftMs : study?.timeLeftMs) ?? null
      return { kind, name, state: 'running', timeLeftMs, isOneTrial: isBeforeIt }
    }
    const state = runs.stateOf(id)
    const timeLeftMs = state?.timeLeftMs ?? null
    return {
      kind,
      name,
      state: state?.status === 'paused' ? 'paused' : 'running',
      timeLeftMs,
      isOneTrial: false,
    }
  }

  function reasonOf(wish: Wish): string {
    const order = ports.wishes()
    const records = ports.records()
    const rank = ({ kind, id }: Entry): number =>
      records.findIndex((record) => record.kind === kind && record.id === id)
    const { holders, waiting } = standingAhead(wish, order, ports.turns())
    const running = holders.map((holder) => aheadOf(holder, rank(wish) < rank(holder)))
    const soonest = running.reduce<Ahead | null>(
      (first, one) =>
        first === null || (one.timeLeftMs ?? Infinity) < (first.timeLeftMs ?? Infinity) ? one : first,
      null,
    )
    const next = waiting.at(-1)
    if (soonest !== null) return aheadSentence(soonest, waiting.length)
    if (next !== undefined) {
      const ahead = { kind: next.kind, name: nameOf(next), timeLeftMs: null, isOneTrial: false }
      return aheadSentence({ ...ahead, state: 'waiting' }, waiting.length - 1)
    }
    return wish.isHeld ? (ports.holding() ?? aboutToBegin) : aboutToBegin
  }

  function itemOf(record: QueueRecord, isRunning: boolean): QueueItem | null {
    const { kind, id, priority, addedAtMs } = record
    const place = {
      kind,
      id,
      priority,
      addedAtMs,
      state: isRunning ? ('running' as const) : ('waiting' as const),
    }
    const wish = ports.wishes().find((one) => one.kind === kind && one.id === id)
    const waitingFor = (): string => (wish === undefined ? whenOpen : reasonOf(wish))
    if (kind === 'study') {
      const study = ports.studies()?.describe(id) ?? null
      if (study === null) return null
      const { name, projectId, projectName, timeLeftMs, doneShare, holding, doing } = study
      const reason = isRunning ? doing : (holding ?? waitingFor())
      return { ...place, name, projectId, projectName, reason, timeLeftMs, doneShare }
    }
    const run = reader.getRun(id)
    if (!run.ok) return null
    const { name, projectId, projectName } = run.value
    const state = isRunning ? runs.stateOf(id) : null
    const reason = isRunning ? runningSentence(state) : waitingFor()
    const { timeLeftMs = null, doneShare = null } = state ?? {}
    return { ...place, name, projectId, projectName, reason, timeLeftMs, doneShare }
  }

  /** A running run's entry has left the journal's queue. */
  function recordOf({ kind, id }: Entry, records: readonly QueueRecord[]): QueueRecord {
    const known = records.find((record) => record.kind === kind && record.id === id)
    const run = reader.getRun(id)
    return known ?? { kind, id, priority: 1, addedAtMs: run.ok ? run.value.createdAtMs : 0 }
  }

  /** What is at work first, then what waits in the order in which it goes. */
  function list(): QueueItem[] {
    const records = ports.records()
    const isAtWork = (entry: Entry): boolean =>
      ports.turns().some(({ kind, id }) => kind === entry.kind && id === entry.id)
    const atWork = ports
      .turns()
      .filter(({ kind, id }, at, all) => all.findIndex((one) => one.kind === kind && one.id === id) === at)
      .map((turn) => itemOf(recordOf(turn, records), true))
    const waiting = records.filter((record) => !isAtWork(record)).map((record) => itemOf(record, false))
    return [...atWork, ...waiting].filter((item) => item !== null)
  }

  const waitingReason = (kind: Entry['kind'], id: string): string | null =>
    list().find((item) => item.kind === kind && item.id === id && item.state === 'waiting')?.reason ?? null

  return { list, reasonOf, waitingReason }
}
