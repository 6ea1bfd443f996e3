// Studies over a real journal with runs that are computed by a formula in no time, and a clock that a test turns. For what
// a study decides and how it survives; what a trainer does is not in here.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import type { Turn } from '#core/training/run-queue-port.ts'
import type { StudyClock, StudyPorts } from '#core/tuning/study-ports.ts'
import type { StudyRequest } from '#core/tuning/study-requests.ts'
import { createStudyService, type StudyService } from '#core/tuning/study-service.ts'
import { type JournalReader, openJournalReader } from '#journal/reader.ts'
import { type JournalWriter, openJournalWriter } from '#journal/writer.ts'
import { type Recipe, recipe as recipeSchema } from '#shared/recipe.ts'
import { fail, type Problem, unwrap } from '#shared/result.ts'
import { type StudySpec, studySpec } from '#shared/study.ts'
import { createScriptedRuns, type ScriptedRuns } from './scripted-runs.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

export interface TestClock extends StudyClock {
  /** Turns it, and lets everything that is due happen. */
  pass(ms: number): Promise<void>
  /** Turns it until this is so; what has to be done by the real disk meanwhile is waited for. */
  until(isSo: () => boolean): Promise<void>
}

/** Turns of the clock before a test gives up. */
const mostTurns = 4000

export function createTestClock(nowMs: number): TestClock {
  let now = nowMs
  let timers: { readonly atMs: number; readonly wake: () => void }[] = []
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  }
  const clock: TestClock = {
    nowMs: () => now,
    timer(afterMs, wake) {
      const timer = { atMs: now + afterMs, wake }
      timers.push(timer)
      return () => {
        timers = timers.filter((one) => one !== timer)
      }
    },
    async pass(ms) {
      const endMs = now + ms
      await settle()
      for (;;) {
        const next = timers.filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0]
        if (next === undefined) break
        now = Math.max(now, next.atMs)
        timers = timers.filter((one) => one !== next)
        next.wake()
        await settle()
      }
      now = endMs
      await settle()
    },
    async until(isSo) {
      for (let turn = 0; !isSo(); turn += 1) {
        if (turn === mostTurns) throw new Error('What was waited for did not come')
        await clock.pass(turnMs)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
  }
  return clock
}

const turnMs = 1000

const base: Recipe = recipeSchema.parse({
  version: 1,
  model: { id: 'model', weightsSha256: 'a'.repeat(64) },
  data: { fingerprint: 'rows' },
  scenario: 'classification',
  instruction: 'Sort it.',
  threads: 1,
  evaluation: { atShares: [1 / 9, 1 / 3, 1], patience: null },
})

export const specOf = (changes: Partial<StudySpec> = {}): StudySpec =>
  studySpec.parse({
    version: 1,
    base,
    space: [
      { kind: 'number', path: 'optimizer.learningRate', low: 1e-5, high: 1e-2, isLog: true },
      { kind: 'whole', path: 'method.rank', low: 2, high: 32, isLog: true },
    ],
    sampler: 'tpe',
    startupTrials: 4,
    budget: { trials: 12 },
    pruning: {},
    seed: 7,
    confirmSeeds: 2,
    ...changes,
  })

export interface ScriptedStudies {
  readonly home: string
  readonly writer: JournalWriter
  readonly reader: JournalReader
  readonly studies: StudyService
  readonly clock: TestClock
  readonly runs: ScriptedRuns
  /** Commands of the journal that fail, by their names. */
  readonly broken: Map<string, Problem>
  /** Reasons for waiting, in the order in which they came. */
  readonly reasons: (string | null)[]
  /** Why a recipe cannot fit; a test may say otherwise. */
  tooLarge: (recipe: Recipe) => string | null
  /** While it is true no turn is granted. */
  setBusy(isBusy: boolean): void
  create(spec?: StudySpec): string
  /** Closes studies and journal as a program does that ends; the folder stays. */
  close(): Promise<void>
}

const aNight = Date.parse('2026-05-05T23:00:00')

export function openScripted(
  nowMs = aNight,
  home = mkdtempSync(join(tmpdir(), 'tunewright-studies-')),
  /** What other programs asked for and nobody took; left out, none can. */
  requests?: StudyRequest[],
): ScriptedStudies {
  const clock = createTestClock(nowMs)
  const path = join(home, 'journal.db')
  const writer = unwrap(openJournalWriter(path, { now: () => clock.nowMs() }))
  const reader = unwrap(openJournalReader(path))
  unwrap(writer.markOrphansInterrupted())
  const projectId = addProject(writer)
  const broken = new Map<string, Problem>()
  const runs = createScriptedRuns(writer, reader, clock)
  const reasons: (string | null)[] = []
  const { queue, setBusy } = scriptedQueue()
  const state = { tooLarge: (_recipe: Recipe): string | null => null }
  const studies = createStudyService({
    ...{ reader, queue, clock },
    writer: withFailures(writer, broken),
    runs: runs.port,
    planner: { tooLarge: async (recipe) => opened.tooLarge(recipe) },
    runFolderOf: (runId) => join(home, runId),
    ...(requests && { takeRequests: () => requests.splice(0) }),
    emit: (studyId) => {
      const study = reader.study(studyId)
      if (study.ok) reasons.push(studies.waitingOf(study.value))
    },
  })
  let isClosed = false
  const opened: ScriptedStudies = {
    ...{ home, writer, reader, studies, clock, runs, broken, reasons, setBusy },
    ...state,
    create: (spec = specOf()) => unwrap(writer.createStudy({ projectId, name: 'Search', spec })).id,
    async close() {
      if (isClosed) return
      isClosed = true
      let isDone = false
      const closing = studies.close().then(() => {
        isDone = true
      })
      await clock.until(() => isDone)
      await closing
      reader.close()
      unwrap(writer.close())
    },
  }
  closers.push(async () => {
    broken.clear()
    await opened.close()
    rmSync(home, { recursive: true, force: true })
  })
  return opened
}

function addProject(writer: JournalWriter): string {
  const { id } = unwrap(writer.ensureProject({ name: 'Search', scenario: 'classification' }))
  const weightsSha256 = 'a'.repeat(64)
  const model = { id: 'model', name: 'model', source: 'test', licence: 'none', parameters: 1 }
  unwrap(writer.addModel({ ...model, weightsSha256 }))
  const rows = {
    fingerprint: 'rows',
    scenario: 'classification',
    sourceName: 'rows.csv',
    manifest: {},
  } as const
  unwrap(writer.addDataset({ ...rows, counts: { train: 10, validation: 10, test: 10, leftOut: 0 } }))
  return id
}

const withFailures = (writer: JournalWriter, broken: ReadonlyMap<string, Problem>): JournalWriter =>
  new Proxy(writer, {
    get(target, name) {
      const problem = broken.get(String(name))
      return problem === undefined ? Reflect.get(target, name) : () => fail(problem)
    },
  })

/** Holds turns back. */
function scriptedQueue() {
  let isBusy = false
  let waiting: (() => void)[] = []
  const queue: StudyPorts['queue'] = {
    noticeChange: async () => {},
    askTurn({ onWaiting }) {
      const granted = new Promise<Turn>((resolve) => {
        const grant = (): void => resolve({ card: null, release: () => {} })
        if (isBusy) {
          onWaiting?.(busySentence)
          waiting.push(grant)
        } else grant()
      })
      return { granted, cancel: () => {} }
    },
  }
  return {
    queue,
    setBusy(busy: boolean) {
      isBusy = busy
      if (busy) return
      for (const grant of waiting) grant()
      waiting = []
    },
  }
}
export const busySentence = 'It waits for the run “other”.'
