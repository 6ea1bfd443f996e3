// The one queue of this computer: runs, and the trials of studies, take its places one after the other, the higher
// priority first. What a person starts begins at once where nothing is ahead. Its order lies in the journal, so it outlives
// the program. It never interrupts what has a place.
import type { Emit, GraphicsCard } from '#shared/contract/index.ts'
import { deviceFacts } from '#shared/devices.ts'
import { activeStatuses, type RunDetail } from '#shared/journal-types.ts'
import { fail, ok } from '#shared/result.ts'
import { lookAround } from '../devices/surroundings.ts'
import type { Library } from '../system/library.ts'
import type { LiveRuns } from './live-runs.ts'
import { heldBySearch } from './run-of-search.ts'
import { type Launched, launcherOf } from './run-queue-launch.ts'
import { holdingReason, staleEntries } from './run-queue-look.ts'
import { inOrderOf, nextPlaces } from './run-queue-order.ts'
import type {
  AskedTurn,
  QueueKind,
  QueueReader,
  QueueRecord,
  QueueWriter,
  RunQueue,
  StudySource,
  Turn,
  TurnWish,
} from './run-queue-port.ts'
import { placesOf, type Slot } from './run-queue-slots.ts'
import { createQueueView, type Wish } from './run-queue-view.ts'
import { withoutSpace } from './run-queue-words.ts'
import { launchable } from './run-service.ts'
import { isWaiting, notResumable, notWaiting } from './training-problems.ts'

interface RunQueueOptions {
  readonly library: Library
  readonly writer: QueueWriter
  readonly reader: QueueReader
  readonly runs: Pick<LiveRuns, 'launch' | 'stateOf' | 'ended'>
  readonly emit: Emit
  /** Left out, those of this computer. */
  readonly graphicsCards?: () => Promise<readonly GraphicsCard[]>
  /** How often what waits looks again at what holds it. */
  readonly lookEveryMs?: number
}

const runPriority = 1
const studyPriority = 0

interface OpenWish extends Wish {
  readonly grant: (turn: Turn) => void
  /** The last reason that was told. */
  told: string | null
}

export function createRunQueue(options: RunQueueOptions): RunQueue {
  const { library, writer, reader, runs, emit, lookEveryMs = 2_000 } = options
  const cardsNow = options.graphicsCards ?? (async () => (await lookAround(library)).cards)
  let wishes: OpenWish[] = []
  const turns: { kind: QueueKind; id: string; slot: Slot }[] = []
  let studies: StudySource | null = null
  /** Why nothing begins by itself at the moment. */
  let holding: string | null = null
  let isClosed = false
  let settling: Promise<void> = Promise.resolve()
  let timer: ReturnType<typeof setInterval> | null = null
  let toldItems = '[]'
  /** A launch found the disk full since the last look. */
  let lacksSpace = false

  const records = (): readonly QueueRecord[] => {
    const found = reader.queue()
    return found.ok ? found.value : []
  }
  const inOrder = (): OpenWish[] => inOrderOf(wishes, records())
  const view = createQueueView({
    records,
    wishes: inOrder,
    turns: () => turns,
    holding: () => holding,
    studies: () => studies,
    reader,
    runs,
  })

  function tell(): void {
    for (const wish of wishes) {
      const reason = view.reasonOf(wish)
      if (reason !== wish.told) wish.onWaiting?.(reason)
      wish.told = reason
    }
    const items = view.list()
    const now = JSON.stringify(items)
    if (now !== toldItems) emit('queue.changed', { items })
    toldItems = now
  }

  /** Entries of what is not there any more, or cannot be begun any more; and runs that were taken out elsewhere. */
  function dropStale(): void {
    for (const { kind, id } of staleEntries(records(), reader, studies)) writer.dequeue(kind, id)
    const left = reader.queue()
    // One that cannot be read says nothing of who was taken out.
    if (!left.ok) return
    wishes = wishes.filter(
      ({ kind, id }) => kind === 'study' || left.value.some((one) => one.kind === kind && one.id === id),
    )
  }

  /** The cards for all that wait, where they need one. Who comes meanwhile is looked at too: it may go before the others. */
  async function lookAtWishes(): Promise<readonly GraphicsCard[]> {
    for (;;) {
      const looked = new Set(wishes)
      const needsCards = wishes.some(({ device }) => deviceFacts[device].hardware === 'graphics')
      const cards = needsCards ? await cardsNow() : []
      holding = lacksSpace ? withoutSpace : await holdingReason(library)
      if (isClosed || wishes.every((wish) => looked.has(wish))) return cards
    }
  }

  async function settleOnce(): Promise<void> {
    if (isClosed) return
    dropStale()
    const cards = await lookAtWishes()
    if (isClosed) return
    for (const wish of wishes) {
      wish.places = placesOf(wish.device, cards)
      wish.slots = wish.places.map(({ slot }) => slot)
      // What a person starts does not wait for these: it says itself that a measurement does not count then.
      wish.isHeld = holding !== null && !wish.isByHand
    }
    const looked = [...wishes]
    for (const { waiter, slot } of nextPlaces(inOrder(), turns)) {
      wishes.splice(wishes.indexOf(waiter), 1)
      waiter.grant(turnOn(waiter, slot))
    }
    for (const wish of looked) wish.isByHand = false
    tell()
    watch()
  }

  function settle(): Promise<void> {
    settling = settling.catch(() => {}).then(settleOnce)
    return settling
  }

  /** Where nobody can do anything about a look that fails: it is made again by the clock. */
  const settleSafely = (): Promise<void> => settle().catch(watch)

  /** Times and reasons change. */
  function watch(): void {
    const isNeeded = !isClosed && turns.length + wishes.length + records().length > 0
    if (!isNeeded && timer !== null) clearInterval(timer)
    if (!isNeeded) timer = null
    else timer ??= setInterval(lookAgain, lookEveryMs).unref()
  }

  function lookAgain(): void {
    lacksSpace = false
    void settleSafely()
  }

  function turnOn({ kind, id, places }: Wish, slot: Slot): Turn {
    const held = { kind, id, slot }
    turns.push(held)
    return {
      card: places.find((place) => place.slot === slot)?.card ?? null,
      release() {
        const at = turns.indexOf(held)
        if (at < 0) return
        turns.splice(at, 1)
        void settleSafely()
      },
    }
  }

  const launch = launcherOf({
    writer,
    runs,
    emit,
    settleSoon: () => void settleSafely(),
    onLackOfSpace: () => {
      lacksSpace = true
    },
  })

  function add(wish: TurnWish, grant: OpenWish['grant'], isByHand: boolean): OpenWish {
    const open: OpenWish = { ...wish, grant, isByHand, places: [], slots: [], isHeld: false, told: null }
    wishes.push(open)
    return open
  }

  const stands = (kind: QueueKind, id: string): boolean =>
    records().some((record) => record.kind === kind && record.id === id)

  function askTurn(wish: TurnWish): AskedTurn {
    const priority = wish.priority ?? (wish.kind === 'run' ? runPriority : studyPriority)
    if (!stands(wish.kind, wish.id)) writer.enqueue({ kind: wish.kind, id: wish.id, priority })
    let turn: Turn | null = null
    let open: OpenWish | null = null
    const granted = new Promise<Turn>((resolve) => {
      const grant = (given: Turn): void => {
        turn = given
        resolve(given)
      }
      open = add(wish, grant, false)
    })
    void settleSafely()
    return {
      granted,
      cancel() {
        wishes = wishes.filter((one) => one !== open)
        turn?.release()
        void settleSafely()
      },
    }
  }

  /** Gives back how the launch went, where it comes to one before the first look is over; else ok. */
  async function addRun(
    { id, recipe }: Pick<RunDetail, 'id' | 'recipe'>,
    isByHand: boolean,
  ): Promise<Launched> {
    const launches: Promise<Launched>[] = []
    const wish: TurnWish = { kind: 'run', id, device: recipe.device }
    const grant = (turn: Turn): void => {
      launches.push(launch(id, turn, () => add(wish, grant, false)))
    }
    add(wish, grant, isByHand)
    await settle()
    return launches[0] ?? ok({})
  }

  const hasTurn = (kind: QueueKind, id: string): boolean =>
    turns.some((turn) => turn.kind === kind && turn.id === id)
  const waits = (kind: QueueKind, id: string): boolean =>
    wishes.some((wish) => wish.kind === kind && wish.id === id)

  return {
    askTurn,
    async enqueueRun(runId) {
      const found = reader.getRun(runId)
      if (!found.ok) return found
      const { status } = found.value
      if (hasTurn('run', runId) || runs.stateOf(runId) !== null) return fail(notResumable(runId, 'under way'))
      if (waits('run', runId)) return fail(isWaiting(runId))
      const held = heldBySearch(reader, found.value)
      if (held !== null) return fail(held)
      if (!launchable.includes(status)) return fail(notResumable(runId, status))
      if (!stands('run', runId)) {
        const entered = writer.enqueue({ kind: 'run', id: runId, priority: runPriority })
        if (!entered.ok) return entered
      }
      return addRun(found.value, true)
    },
    waitingReason: (kind, id) => view.waitingReason(kind, id),
    list: () => view.list(),
    move(kind, id, by) {
      const moved = writer.moveInQueue(kind, id, by)
      if (!moved.ok) return moved
      void settleSafely()
      return ok({})
    },
    async remove(kind, id) {
      if (kind === 'study') {
        const paused = (await studies?.pause(id)) ?? fail(notWaiting(id))
        return paused.ok ? ok({}) : paused
      }
      if (hasTurn(kind, id)) return fail(notResumable(id, 'under way'))
      if (!stands(kind, id)) return fail(notWaiting(id))
      wishes = wishes.filter((wish) => wish.kind !== kind || wish.id !== id)
      const taken = writer.dequeue(kind, id)
      if (!taken.ok) return taken
      const run = reader.getRun(id)
      // One that was to go on stays as it ended.
      if (run.ok && activeStatuses.includes(run.value.status)) {
        const cancelled = writer.setRunStatus(id, 'cancelled')
        if (!cancelled.ok) return cancelled
      }
      emit('experiments.changed', { runId: id })
      await settle()
      return ok({})
    },
    attachStudies(source) {
      studies = source
    },
    noticeChange: settleSafely,
    goOn(interruptedRuns) {
      for (const { kind, id } of records()) {
        if (kind !== 'run' || waits(kind, id) || hasTurn(kind, id)) continue
        const run = reader.getRun(id)
        if (interruptedRuns.includes(id)) writer.dequeue(kind, id)
        else if (run.ok) void addRun(run.value, false)
      }
      void settleSafely()
    },
    async close() {
      isClosed = true
      watch()
      await settling.catch(() => {})
    },
  }
}
