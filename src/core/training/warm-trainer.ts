// Trainer processes that stay for the next run of a study. Each run gets a port as a launched trainer has it; behind it is the
// process of the run before, where that one waits and is set up for the same place, else a new one. A run that dies takes
// its process with it and nothing else.
import { type DeviceId, deviceFacts } from '#shared/devices.ts'
import {
  leavesInOrder,
  placeOf,
  type TrainerCommand,
  type TrainerJob,
  type TrainerMessage,
} from '#shared/trainer-protocol.ts'
import type { ChildExit, ChildPort, Launcher, ProcessName } from '../system/launcher.ts'

/** For the runs of one study. */
export interface WarmTrainer {
  /** Its trainers are chosen, or started, with their first `start`; everything else it launches as ever. */
  readonly launcher: Launcher
  /** No run will come: the process is ended as soon as none is in it. */
  close(): void
}

export interface WarmTrainers {
  open(): WarmTrainer
  /** Ends processes that wait: somebody wants the memory. */
  letGo(): void
  /**
   * Bytes that are taken now and that a run on this device finds free, as the processes last told: of those that wait, which
   * are ended before it, and where it is the processor's turn of the trial at work there, for whose end it waits.
   */
  comesBack(device: DeviceId): number
  /** For everybody else: what it launches finds the memory of those that wait free. */
  readonly launcher: Launcher
}

/** A process that waits for so long is ended. */
const defaultIdleMs = 120_000
/** They hold a model. */
const needsMemory: ReadonlySet<ProcessName> = new Set([
  'trainer',
  'scorer',
  'embedder',
  'generator',
  'speedometer',
])

export function createWarmTrainers(launcher: Launcher, idleMs = defaultIdleMs): WarmTrainers {
  const opened = new Set<Place>()
  const letGo = (but?: Place): void => {
    for (const place of opened) if (place !== but) place.letGo()
  }
  return {
    letGo: () => letGo(),
    comesBack: (device) => [...opened].reduce((sum, place) => sum + place.comesBack(device), 0),
    launcher: {
      launch(name) {
        if (needsMemory.has(name)) letGo()
        return launcher.launch(name)
      },
    },
    open() {
      const place: Place = createPlace(() => {
        letGo(place)
        return launcher.launch('trainer')
      }, idleMs)
      opened.add(place)
      return {
        launcher: {
          launch: (name) => (name === 'trainer' ? createPort(place) : launcher.launch(name)),
        },
        close() {
          opened.delete(place)
          place.close()
        },
      }
    },
  }
}

/** A process and the run in it, null while it waits. */
interface Process {
  readonly child: ChildPort
  readonly setUpFor: string
  readonly device: DeviceId
  /** As it last told. */
  residentBytes: number
  run: RunInside | null
  /** A run was in it before. */
  hasServed: boolean
}

interface RunInside {
  hear(message: unknown): void
  exit(exit: ChildExit): void
}

/** Room for one process that waits. */
interface Place {
  /** The one that waits where it can take the job, else a new one. */
  processFor(job: TrainerJob): Process
  /** The run in it has had its last word. */
  leave(process: Process): void
  letGo(): void
  comesBack(device: DeviceId): number
  close(): void
}

const isOnProcessor = (device: DeviceId): boolean => deviceFacts[device].hardware === 'processor'

function createPlace(launchTrainer: () => ChildPort, idleMs: number): Place {
  let waiting: Process | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  let isClosed = false
  const living = new Set<Process>()

  function takeOut(): Process | null {
    clearTimeout(timer)
    const taken = waiting
    waiting = null
    return taken
  }
  const letGo = (): void => takeOut()?.child.kill()

  function start(job: TrainerJob): Process {
    const process: Process = {
      ...{ child: launchTrainer(), setUpFor: placeOf(job), device: job.device ?? job.recipe.device },
      ...{ residentBytes: 0, run: null, hasServed: false },
    }
    living.add(process)
    process.child.onMessage((message) => {
      const { event } = message as Partial<TrainerMessage>
      if (event?.kind === 'heartbeat') process.residentBytes = event.residentBytes
      process.run?.hear(message)
    })
    process.child.onExit((exit) => {
      living.delete(process)
      if (waiting === process) takeOut()
      process.run?.exit(exit)
    })
    return process
  }

  return {
    processFor(job) {
      const taken = takeOut()
      if (taken?.setUpFor === placeOf(job)) return taken
      taken?.child.kill()
      return start(job)
    },
    leave(process) {
      process.run = null
      process.hasServed = true
      // One waits at most: of runs side by side the last to end leaves its process.
      letGo()
      waiting = process
      if (isClosed) letGo()
      else timer = setTimeout(letGo, idleMs)
    },
    letGo,
    comesBack: (device) =>
      [...living]
        .filter((one) => one === waiting || (isOnProcessor(device) && isOnProcessor(one.device)))
        .reduce((sum, { residentBytes }) => sum + residentBytes, 0),
    close() {
      isClosed = true
      letGo()
    },
  }
}

/** A run's own end of a process, from its `start` to its last word. */
function createPort(place: Place): ChildPort {
  const messageListeners: ((message: unknown) => void)[] = []
  const exitListeners: ((exit: ChildExit) => void)[] = []
  /** What it was told before it said anything. */
  const told: TrainerCommand[] = []
  let inside: Process | null = null
  let hasSpoken = false
  let isOver = false

  function end(exit: ChildExit): void {
    isOver = true
    for (const listener of exitListeners) listener(exit)
  }

  const run: RunInside = {
    hear(message) {
      hasSpoken = true
      for (const listener of messageListeners) listener(message)
      const { event } = message as Partial<TrainerMessage>
      if (inside === null || event === undefined || !leavesInOrder(event)) return
      place.leave(inside)
      end({ code: 0, signal: null, lastWords: '' })
    },
    exit(exit) {
      const [first] = told
      // It ended while it waited, before anybody saw it: the run has not begun.
      const isUntouched = !hasSpoken && inside?.hasServed === true
      if (isUntouched && first?.kind === 'start') enter(first.job)
      else end(exit)
    },
  }

  function enter(job: TrainerJob): void {
    inside = place.processFor(job)
    inside.run = run
    for (const command of told) inside.child.send(command)
  }

  return {
    get pid() {
      return inside?.child.pid
    },
    send(message) {
      if (isOver) return
      const command = message as TrainerCommand
      const isStart = command.kind === 'start'
      const sent = isStart ? { ...command, job: { ...command.job, staysOpen: true } } : command
      if (!hasSpoken) told.push(sent)
      if (isStart) enter(command.job)
      else inside?.child.send(command)
    },
    onMessage: (listener) => void messageListeners.push(listener),
    onExit: (listener) => void exitListeners.push(listener),
    kill() {
      if (isOver) return
      // Who ends it does not want it begun again.
      hasSpoken = true
      inside?.child.kill()
    },
  }
}
