// Runs that a trainer works on now: launched, followed, told to every screen at most four times a second, stopped.
import type { Emit, EventPayload, TrainingState } from '#shared/contract/index.ts'
import type { ActiveRunState } from '#shared/contract/system.ts'
import type { RunDetail } from '#shared/journal-types.ts'
import { fail, ok, type Result } from '#shared/result.ts'
import type { TrainerMessage } from '#shared/trainer-protocol.ts'
import { createEnergyMeter } from '../system/energy-meter.ts'
import { folderBytes } from '../system/folder-size.ts'
import { watchProcess } from '../system/process-load.ts'
import { asTyped } from '../system/typed-command.ts'
import { type DiagnosisReader, followDiagnoses } from './run-diagnosis.ts'
import type { RunReader } from './run-journal.ts'
import type { RunService, TrialLaunch } from './run-service.ts'
import { createRunFold, type MeasuredDevice, type RunFold } from './run-state.ts'
import type { ActiveRun } from './run-supervisor.ts'
import { notAtWork, notResumable } from './training-problems.ts'

export interface LiveRuns {
  /** Launches the run's trainer; `run.active` where one works on it already. Left out or null, it takes a free card. */
  launch(runId: string, card?: number | null, trial?: TrialLaunch): Promise<Result<Record<string, never>>>
  pause(runId: string): Result<Record<string, never>>
  resume(runId: string): Result<Record<string, never>>
  /** Asks for a checkpoint and the end. */
  stop(runId: string): Result<Record<string, never>>
  /** null where no trainer works on this run. */
  stateOf(runId: string): TrainingState | null
  list(): ActiveRunState[]
  /** Resolves when this run's trainer has ended; at once where none works. */
  ended(runId: string): Promise<void>
  stopAll(): Promise<void>
}

export interface LiveRunPorts {
  readonly service: RunService
  readonly reader: Pick<RunReader, 'getRun'> & DiagnosisReader
  readonly emit: Emit
  readonly runFolderOf: (runId: string) => string
}

const tellEveryMs = 250
/** Disk and processor are looked at less often than the curve. */
const lookEveryMs = 2_000

type Update = EventPayload<'training.update'>
type AskedPhase = 'pausing' | 'stopping'

interface Live {
  readonly run: RunDetail
  readonly active: ActiveRun
  /** Of the attempt that is folded; a run whose device failed goes on with another one. */
  attempt: number
  fold: RunFold
  /** What a person asked for and the trainer has not done yet: it ends its step first. */
  asked: AskedPhase | null
  device: MeasuredDevice
  train: Update['train']
  validation: Update['validation']
  samples: Update['samples']
  notices: Update['notices']
}

export function createLiveRuns(ports: LiveRunPorts): LiveRuns {
  const live = new Map<string, Live>()
  const launching = new Map<string, Promise<unknown>>()

  const tellActivity = (): void => ports.emit('activity.changed', { runs: list() })
  const list = (): ActiveRunState[] =>
    [...live.values()].map(({ run, fold, device }) => {
      const { status, doneShare, timeLeftMs } = fold.state(device)
      return { runId: run.id, projectId: run.projectId, name: run.name, status, doneShare, timeLeftMs }
    })

  const foldOf = (run: RunDetail): RunFold => createRunFold(run, followDiagnoses(run, ports.reader))

  function begin(entry: Live, attempt: number): void {
    entry.attempt = attempt
    const found = ports.reader.getRun(entry.run.id)
    if (found.ok) entry.fold = foldOf(found.value)
  }

  function follow(entry: Live, { event, seq }: TrainerMessage): void {
    const { attempt } = entry.active
    if (attempt !== entry.attempt) begin(entry, attempt)
    entry.fold.follow(event, seq)
    const atMs = Date.now()
    if (event.kind === 'step') {
      const { kind: _, ...body } = event
      entry.train.push({ ...body, attempt, atMs })
    }
    if (event.kind === 'evaluation') {
      const { kind: _, ...body } = event
      entry.validation.push({ ...body, attempt, atMs })
    }
    if (event.kind === 'plan') forgetAfter(entry, event.resumedAtStep)
    if (event.kind === 'samples') entry.samples.push({ step: event.step, answers: event.answers })
    if (event.kind === 'notice') entry.notices.push({ atMs, text: asTyped(event.text) })
  }

  /** Points that were not told yet and are gone over again. */
  function forgetAfter(entry: Live, step: number): void {
    entry.train = entry.train.filter((point) => point.step <= step)
    entry.validation = entry.validation.filter((point) => point.step <= step)
    entry.samples = entry.samples.filter((answers) => answers.step <= step)
  }

  /** What came since the last time, with how the run stands. */
  function tell(entry: Live, state: TrainingState): void {
    const { train, validation, samples, notices } = entry
    Object.assign(entry, { train: [], validation: [], samples: [], notices: [] })
    ports.emit('training.update', { state, train, validation, samples, notices })
    tellActivity()
  }

  function stateOf(entry: Live): TrainingState {
    const state = entry.fold.state(entry.device)
    const { asked } = entry
    const isToCome = asked === 'stopping' || (asked === 'pausing' && state.status !== 'paused')
    return isToCome ? { ...state, phase: asked } : state
  }

  function watch(entry: Live): () => void {
    const load = watchProcess(() => entry.active.pid)
    const energy = createEnergyMeter()
    const look = async (): Promise<void> => {
      const diskBytes = await folderBytes(ports.runFolderOf(entry.run.id))
      entry.device = { processorShare: load.share(), diskBytes, energyWh: energy.wattHours() }
    }
    void look()
    const timers = [
      setInterval(() => tell(entry, stateOf(entry)), tellEveryMs),
      setInterval(() => void look(), lookEveryMs),
    ]
    return () => {
      for (const timer of timers) clearInterval(timer)
    }
  }

  /** The run's end stands in the journal when this is told. */
  function end(entry: Live): void {
    live.delete(entry.run.id)
    const after = ports.reader.getRun(entry.run.id)
    const state = entry.fold.state(entry.device)
    const { status, bestStep } = after.ok ? after.value : state
    tell(entry, { ...state, status, phase: status, bestStep, timeLeftMs: null })
    ports.emit('experiments.changed', { runId: entry.run.id })
  }

  async function launch(
    runId: string,
    card: number | null = null,
    trial: TrialLaunch = {},
  ): Promise<Result<Record<string, never>>> {
    if (live.has(runId) || launching.has(runId)) return fail(notResumable(runId, 'under way'))
    const started = ports.service.launch(runId, card, trial)
    launching.set(runId, started)
    try {
      const launched = await started
      return launched.ok ? takeOver(runId, launched.value) : launched
    } finally {
      launching.delete(runId)
    }
  }

  /** Follows a launched trainer to its end, which may have come already. */
  function takeOver(runId: string, active: ActiveRun): Result<Record<string, never>> {
    const found = ports.reader.getRun(runId)
    if (!found.ok) {
      active.cancel()
      return found
    }
    const run = found.value
    const entry: Live = {
      run,
      active,
      attempt: active.attempt,
      fold: foldOf(run),
      asked: null,
      device: { processorShare: null, diskBytes: 0, energyWh: null },
      train: [],
      validation: [],
      samples: [],
      notices: [],
    }
    live.set(runId, entry)
    active.onEvent((message) => follow(entry, message))
    const unwatch = watch(entry)
    void active.ended.then(() => {
      unwatch()
      end(entry)
    })
    tellActivity()
    return ok({})
  }

  const told =
    (command: 'pause' | 'resume' | 'cancel', asked: AskedPhase | null) =>
    (runId: string): Result<Record<string, never>> => {
      const entry = live.get(runId)
      if (entry === undefined) return fail(notAtWork(runId))
      entry.active[command]()
      // A stop is not taken back.
      if (entry.asked !== 'stopping') entry.asked = asked
      tell(entry, stateOf(entry))
      return ok({})
    }

  return {
    launch,
    pause: told('pause', 'pausing'),
    resume: told('resume', null),
    stop: told('cancel', 'stopping'),
    stateOf(runId) {
      const entry = live.get(runId)
      return entry === undefined ? null : stateOf(entry)
    },
    list,
    ended: async (runId) => {
      await live.get(runId)?.active.ended
    },
    async stopAll() {
      // A trainer that is being launched gets its checkpoint too.
      while (launching.size > 0) await Promise.allSettled([...launching.values()])
      const entries = [...live.values()]
      for (const entry of entries) {
        entry.asked = 'stopping'
        entry.active.cancel()
      }
      await Promise.all(entries.map(({ active }) => active.ended))
    },
  }
}
