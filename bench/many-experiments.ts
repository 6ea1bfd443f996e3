// A journal of many years: runs with curves, notes, tags, proofs and links between them, and finished studies, written by
// the journal's own commands in few large commits, and their events without the commands' checks: 10,000 runs take minutes
// and not hours.
import type { Database } from 'better-sqlite3'
import type { WriterContext } from '#journal/command.ts'
import { openForWriting } from '#journal/connection.ts'
import { chainStart, hashEvent } from '#journal/hash-chain.ts'
import { addDataset, addModel, addProject } from '#journal/library-commands.ts'
import { addLink, markRun } from '#journal/mark-commands.ts'
import { addProof } from '#journal/proof-commands.ts'
import { createRun, failRun, finishRun, startAttempt } from '#journal/run-commands.ts'
import { addTrial, changeStudy, createStudy, endTrial } from '#journal/study-commands.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { type Recipe, recipe } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import { type StudyTrial, studySpec, type TrialPurpose } from '#shared/study.ts'
import { noise, proofOf } from './many-proofs.ts'

const runsPerCommit = 500
const dayMs = 86_400_000
const subjects = ['Support mail', 'Clinic letters', 'Product texts', 'Graded summaries']
const wishes = [
  'steady',
  'after the holidays',
  'with the new rows',
  'more room',
  'gentler',
  'ask Ana about this',
]
const tagNames = ['keep', 'too fast', 'forgets', 'for the clinic', 'baseline']

export interface ManyRuns {
  readonly runs: number
  readonly eventsPerRun: number
  /** How many of the runs, the newest, are trials: a hundred to a study. */
  readonly trials?: number
  /** Words of each answer; left out, answers are one of two labels. */
  readonly wordsPerAnswer?: number
}

const trialsPerStudy = 100
/** The last trials of a study: the plan and the best settings, each once more with so many seeds. */
const confirmSeeds = 3
/** So many runs of a project, each tried again from the one before: more than a lineage shows. */
const chainedRuns = 150

/** Writes them into a new journal at `path`. */
export function writeManyRuns(path: string, wanted: ManyRuns): void {
  unwrap(unwrap(openJournalWriter(path)).close())
  const db = openForWriting(path)
  // Only the making of the file is hurried; it is folded and synchronised when it is closed below.
  db.pragma('synchronous = OFF')
  const writeRun = createRunWriter(db, path, wanted)
  for (let from = 0; from < wanted.runs; from += runsPerCommit)
    db.transaction(() => {
      for (let n = from; n < Math.min(wanted.runs, from + runsPerCommit); n++) writeRun(n)
    })()
  close(db)
  // The next opening finds rows that the last session did not close over, takes them and notes their digest.
  unwrap(unwrap(openJournalWriter(path, { acceptsChanges: true })).close())
}

function createRunWriter(db: Database, path: string, wanted: ManyRuns): (n: number) => void {
  const { runs, eventsPerRun, trials = 0, wordsPerAnswer = 0 } = wanted
  let nowMs = Date.UTC(2023, 0, 1)
  const context = { db, path, now: () => nowMs, ownRuns: new Set<string>() }
  const projectIds = addLibrary(context)
  const ids: string[] = []
  const study = createStudyWriter(context, projectIds[0] ?? '')

  return (n) => {
    nowMs += dayMs / 10
    const trial = n - (runs - trials)
    const project = trial < 0 ? n % subjects.length : 0
    const newRun = {
      projectId: projectIds[project] ?? '',
      name: `Run ${n + 1}`,
      recipe: recipeOf(n, project),
      backend: 'onnx-cpu',
      device: { cpu: 'Example', cores: 2 },
      versions: { tunewright: '0.1.0' },
      notes:
        n % 7 === 0 ? `Tried ${wishes[n % wishes.length]}, because the last one was not good enough.` : '',
      tags: n % 5 === 0 ? [tagNames[n % tagNames.length] ?? 'keep'] : [],
    }
    const id = trial < 0 ? createRun(context, newRun).id : study.begin(trial, newRun)
    ids.push(id)
    startAttempt(context, id, {})
    appendQuickly(db, id, eventsPerRun, (seq) => eventOf(seq, lossOf(n, seq), nowMs))
    nowMs += 60_000 + (n % 97) * 1000
    const hasCrashed = n % 11 === 3
    if (hasCrashed) failRun(context, id, { status: 'crashed', problem: crash })
    else
      finishRun(context, id, {
        reason: 'completed',
        bestStep: 80,
        bestLossNats: lossOf(n, 80),
        adapterSha256: digit(n % 3),
      })
    // Two runs of a project after each other, so that they can be set against each other.
    if (Math.floor(n / subjects.length) % 6 < 2)
      addProof(context, proofOf(id, digit(project), n, wordsPerAnswer))
    if (n % 9 === 0) markRun(context, id, { rating: 1 + (n % 5), isPinned: n % 90 === 0 })
    if (trial >= 0) study.end(trial, hasCrashed ? null : lossOf(n, 80))
    else for (const link of linksOf(n, ids)) addLink(context, link)
  }
}

/** Four projects, each with rows of its own, and two models. */
function addLibrary(context: WriterContext): string[] {
  for (const id of ['small', 'middle'])
    addModel(context, {
      id,
      name: `A ${id} model`,
      source: 'file',
      licence: 'Apache-2.0',
      weightsSha256: digit(id.length),
      parameters: 134_515_008,
    })
  return subjects.map((name, n) => {
    addDataset(context, {
      fingerprint: digit(n),
      scenario: 'classification',
      sourceName: 'mail.csv',
      manifest: {},
      counts: { train: 197, validation: 49, test: 82, leftOut: 3 },
    })
    return addProject(context, { name, scenario: 'classification', goal: `${name} by team` }).id
  })
}

/** In each project one long chain of runs tried again, and many short ones; some are repeated. */
function linksOf(n: number, ids: readonly string[]) {
  const parent = ids[n - subjects.length]
  const runId = ids[n]
  if (parent === undefined || runId === undefined) return []
  if (n < chainedRuns * subjects.length || n % 13 < 3)
    return [{ runId, kind: 'retried-from', parent }] as const
  return n % 17 === 0 ? ([{ runId, kind: 'repeats', parent }] as const) : []
}

type TrialRun = { readonly recipe: Recipe; readonly projectId: string }

/** Studies one after another: each is searched, checked with other seeds and finished, and its best trial is taken over. */
function createStudyWriter(context: WriterContext, projectId: string) {
  let studyId = ''
  let best: { readonly runId: string; readonly lossNats: number } | null = null
  let newest = ''
  return {
    begin(trial: number, newRun: TrialRun): string {
      const { recipe } = newRun
      const number = trial % trialsPerStudy
      if (number === 0) {
        const name = `Night ${1 + Math.floor(trial / trialsPerStudy)}`
        studyId = createStudy(context, { projectId, name, spec: specOf(recipe) }).id
        changeStudy(context, studyId, { status: 'running' })
        best = null
      }
      const settings = {
        'optimizer.learningRate': recipe.optimizer.learningRate,
        'method.rank': recipe.method.rank,
      }
      const decided = { studyId, number, purpose: purposeOf(number), settings, seed: recipe.seed, rungs: [] }
      newest = addTrial(context, decided, newRun).runId ?? ''
      return newest
    },
    end(trial: number, lossNats: number | null): void {
      const number = trial % trialsPerStudy
      const how =
        lossNats === null
          ? { status: 'failed', lossNats, lossStep: null, reason: crash.message }
          : { status: 'complete', lossNats, lossStep: 80, reason: null }
      endTrial(context, { studyId, number, ...how, rungLosses: [], work })
      if (purposeOf(number) === 'search' && lossNats !== null && lossNats < (best?.lossNats ?? Infinity))
        best = { runId: newest, lossNats }
      if (number < trialsPerStudy - 1) return
      changeStudy(context, studyId, { status: 'finished', notes: 'A higher rank does not help.' })
      if (best !== null) addLink(context, { runId: best.runId, kind: 'winner-of', parent: studyId })
    },
  }
}

const purposeOf = (number: number): TrialPurpose => {
  const confirming = number - (trialsPerStudy - 2 * confirmSeeds)
  if (confirming < 0) return 'search'
  return confirming < confirmSeeds ? 'preset' : 'winner'
}

const work: StudyTrial['work'] = {
  durationMs: 60_000,
  steps: 500,
  plannedSteps: 500,
  isModelReused: true,
  graphsReused: 3,
  frozenRowsReused: 0,
  frozenRowsComputed: 0,
  peakResidentBytes: null,
  tunedBytes: 600_000,
}

/** As `appendEvents` for a run's first events, without its checks: five million of them are then minutes and not an hour. */
function appendQuickly(
  db: Database,
  runId: string,
  events: number,
  eventAt: (seq: number) => ReturnType<typeof eventOf>,
): void {
  const insert = db.prepare('INSERT INTO events VALUES (?, ?, 1, ?, ?, ?, ?, ?)')
  let previous = chainStart
  for (let seq = 1; seq <= events; seq++) {
    const { atMs, kind, body } = eventAt(seq)
    const bodyText = JSON.stringify(body)
    const hash = hashEvent(previous, { runId, seq, attempt: 1, atMs, kind, bodyText })
    insert.run(runId, seq, atMs, kind, bodyText, previous, hash)
    previous = hash
  }
  db.prepare('UPDATE runs SET last_step = ?, total_steps = ? WHERE id = ?').run(events, events, runId)
}

function close(db: Database): void {
  db.pragma('synchronous = FULL')
  db.pragma('wal_checkpoint(TRUNCATE)')
  db.close()
}

const digit = (n: number): string => String(n % 10).repeat(64)
const lossOf = (n: number, step: number): number =>
  0.3 + noise(n, 0) / 2 + 2 / Math.sqrt(step) + noise(n, step) / 10

/** Two runs of a project one after the other differ in a setting, and now and then in two. */
function recipeOf(n: number, project: number): Recipe {
  const variant = Math.floor(n / subjects.length)
  return recipe.parse({
    version: 1,
    model: { id: project === 0 ? 'middle' : 'small', weightsSha256: digit(project === 0 ? 6 : 5) },
    data: { fingerprint: digit(project) },
    scenario: 'classification',
    instruction: 'Name the team.',
    method: { rank: [4, 8, 16, 32][Math.floor(variant / 4) % 4] },
    optimizer: { learningRate: [1e-4, 2e-4, 5e-4, 1e-3][variant % 4] },
    seed: n,
    threads: 2,
  })
}

/** Every tenth event is a measurement, the rest are steps, as in a real run. */
function eventOf(seq: number, lossNats: number, atMs: number) {
  const step = { step: seq, lossNats, labelledTokens: 64, durationMs: 120.5 }
  if (seq % 10 === 0) return { seq, atMs, kind: 'evaluation', body: { ...step, isBest: seq === 80 } }
  const rest = { epoch: seq / 100, gradNorm: 0.5, learningRate: 2e-4, tokensSeen: 512 * seq }
  return { seq, atMs, kind: 'step', body: { ...step, ...rest } }
}

const crash = {
  code: 'trainer.crashed',
  message: 'The training process ended without a word.',
  where: 'trainer',
  remedy: 'Continue the run; it goes on at its last checkpoint.',
}

const specOf = (base: Recipe) =>
  studySpec.parse({
    version: 1,
    base,
    space: [
      { kind: 'number', path: 'optimizer.learningRate', low: 1e-5, high: 1e-2, isLog: true },
      { kind: 'whole', path: 'method.rank', low: 4, high: 32, isLog: true },
    ],
    sampler: 'tpe',
    budget: { trials: trialsPerStudy - 2 * confirmSeeds },
    confirmSeeds,
    pruning: null,
    seed: 1,
  })
