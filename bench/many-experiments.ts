// A journal of many years: runs with curves, notes, tags and proofs, and studies, written by the journal's own commands in
// few large commits, and their events without the commands' checks: 10,000 runs take minutes and not hours.
import type { Database } from 'better-sqlite3'
import { openForWriting } from '#journal/connection.ts'
import { chainStart, hashEvent } from '#journal/hash-chain.ts'
import { addDataset, addModel, addProject } from '#journal/library-commands.ts'
import { markRun } from '#journal/mark-commands.ts'
import { addProof } from '#journal/proof-commands.ts'
import { createRun, failRun, finishRun, startAttempt } from '#journal/run-commands.ts'
import { addTrial, createStudy, endTrial } from '#journal/study-commands.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { type Recipe, recipe } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import { studySpec } from '#shared/study.ts'

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

/** Writes them into a new journal at `path`. */
export function writeManyRuns(path: string, wanted: ManyRuns): void {
  const { runs, eventsPerRun, trials = 0, wordsPerAnswer = 0 } = wanted
  unwrap(unwrap(openJournalWriter(path)).close())
  const db = openForWriting(path)
  // Only the making of the file is hurried; it is folded and synchronised when it is closed below.
  db.pragma('synchronous = OFF')
  let nowMs = Date.UTC(2023, 0, 1)
  const context = { db, path, now: () => nowMs, ownRuns: new Set<string>() }
  const projectIds = subjects.map(
    (name) => addProject(context, { name, scenario: 'classification', goal: `${name} by team` }).id,
  )
  for (const id of ['small', 'middle'])
    addModel(context, {
      id,
      name: `A ${id} model`,
      source: 'file',
      licence: 'Apache-2.0',
      weightsSha256: digit(id.length),
      parameters: 134_515_008,
    })
  for (const [n] of subjects.entries())
    addDataset(context, {
      fingerprint: digit(n),
      scenario: 'classification',
      sourceName: 'mail.csv',
      manifest: {},
      counts: { train: 197, validation: 49, test: 82, leftOut: 3 },
    })
  const writeRun = (n: number): void => {
    nowMs += dayMs / 10
    const project = n % subjects.length
    const newRun = {
      projectId: projectIds[project],
      name: `Run ${n + 1}`,
      recipe: recipeOf(n, project),
      backend: 'onnx-cpu',
      device: { cpu: 'Example', cores: 2 },
      versions: { tunewright: '0.1.0' },
      notes:
        n % 7 === 0 ? `Tried ${wishes[n % wishes.length]}, because the last one was not good enough.` : '',
      tags: n % 5 === 0 ? [tagNames[n % tagNames.length] ?? 'keep'] : [],
    }
    const trial = n - (runs - trials)
    const id = trial < 0 ? createRun(context, newRun).id : writeTrial(trial, newRun)
    startAttempt(context, id, {})
    appendQuickly(db, id, eventsPerRun, (seq) => eventOf(seq, lossOf(n, seq), nowMs))
    nowMs += 60_000 + (n % 97) * 1000
    if (n % 11 === 3) failRun(context, id, { status: 'crashed', problem: crash })
    else
      finishRun(context, id, {
        reason: 'completed',
        bestStep: 80,
        bestLossNats: lossOf(n, 80),
        adapterSha256: digit(1),
      })
    if (n % 3 === 0) addProof(context, proofOf(id, digit(project), n, wordsPerAnswer))
    if (n % 9 === 0) markRun(context, id, { rating: 1 + (n % 5), isPinned: n % 90 === 0 })
    if (trial >= 0)
      endTrial(context, {
        ...{
          studyId,
          number: trial % trialsPerStudy,
          status: 'complete',
          lossNats: lossOf(n, 80),
          lossStep: 80,
        },
        ...{ rungLosses: [], reason: null, work: null },
      })
  }
  let studyId = ''
  const writeTrial = (
    trial: number,
    newRun: { readonly recipe: Recipe; readonly projectId: unknown },
  ): string => {
    const number = trial % trialsPerStudy
    const { recipe, projectId } = newRun
    if (number === 0)
      studyId = createStudy(context, {
        projectId: projectIds[0],
        name: `Night ${trial}`,
        spec: specOf(recipe),
      }).id
    const settings = { 'optimizer.learningRate': recipe.optimizer.learningRate }
    const decided = { studyId, number, purpose: 'search', settings, seed: recipe.seed, rungs: [] }
    return addTrial(context, decided, { ...newRun, projectId: projectIds[0] ?? projectId }).runId ?? ''
  }
  for (let from = 0; from < runs; from += runsPerCommit)
    db.transaction(() => {
      for (let n = from; n < Math.min(runs, from + runsPerCommit); n++) writeRun(n)
    })()
  close(db)
  // The next opening finds rows that the last session did not close over, takes them and notes their digest.
  unwrap(unwrap(openJournalWriter(path, { acceptsChanges: true })).close())
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
/** The same for the same run and step, without a pattern that a person would see. */
const noise = (n: number, step: number): number =>
  Math.abs(Math.sin(n * 12.9898 + step * 78.233) * 43_758.5453) % 1
const lossOf = (n: number, step: number): number =>
  0.3 + noise(n, 0) / 2 + 2 / Math.sqrt(step) + noise(n, step) / 10

const recipeOf = (n: number, project: number) =>
  recipe.parse({
    version: 1,
    model: { id: n % 4 === 0 ? 'middle' : 'small', weightsSha256: digit(n % 4 === 0 ? 6 : 5) },
    data: { fingerprint: digit(project) },
    scenario: 'classification',
    instruction: 'Name the team.',
    method: { rank: [4, 8, 16, 32][n % 4] },
    optimizer: { learningRate: [1e-4, 2e-4, 5e-4, 1e-3][n % 4] },
    seed: n,
    threads: 2,
  })

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

function proofOf(runId: string, datasetFingerprint: string, n: number, wordsPerAnswer: number) {
  const value = 0.3 + noise(n, 1) * 0.65
  const interval = (middle: number) => ({ value: middle, low: middle - 0.07, high: middle + 0.05 })
  const both = { base: interval(0.5), tuned: interval(value), difference: interval(value - 0.5) }
  const kind = value > 0.57 ? 'better' : value < 0.43 ? 'worse' : 'no-measurable-difference'
  const answers = Array.from({ length: 20 }, (_, row) => ({
    rowId: `row-${row}`,
    expected: 'money',
    answer:
      wordsPerAnswer > 0
        ? sentence(n * 20 + row, wordsPerAnswer)
        : noise(n, row) < value
          ? 'money'
          : 'shipping',
    scores: {},
  }))
  const evaluation = (subject: 'base' | 'tuned') => ({
    runId,
    subject,
    datasetFingerprint,
    metrics: {},
    answers,
  })
  const body = {
    version: 1,
    rows: 82,
    leftOut: [],
    metric: 'accuracy',
    baseline: { metric: 'accuracy', ...both.base },
    tuned: { metric: 'accuracy', ...both.tuned },
    difference: both.difference,
    verdict: { kind, sentence: 'As measured on the locked rows.' },
    comparisons: ['accuracy', 'macroF1', 'calibrationError', 'lossNats'].map((metric) => ({
      metric,
      isHigherBetter: true,
      ...both,
    })),
    // A table of labels makes most of a real proof's text.
    labels: {
      labels: tagNames,
      rows: tagNames.map((label) => ({ label, support: 16, base: labelSide, tuned: labelSide })),
      base: tagNames.map(() => tagNames.map((_, column) => column)),
      tuned: tagNames.map(() => tagNames.map((_, column) => column)),
    },
    intervals: { method: 'paired bootstrap', resamples: 4000, seed: 1, level: 0.95 },
    backend: 'onnx-cpu',
    seconds: 40,
    scoringSeconds: 30,
    answeringSeconds: 0,
  }
  return { base: evaluation('base'), tuned: evaluation('tuned'), comparison: { runId, body } }
}

/** Like text: few words are very frequent, and most of 20,000 are rare. */
const sentence = (seed: number, words: number): string =>
  Array.from({ length: words }, (_, at) => {
    const rank = Math.floor(20_000 ** noise(seed, at))
    return `${syllables[rank % 20]}${syllables[Math.floor(rank / 20) % 20]}${syllables[Math.floor(rank / 400) % 20]}${rank}`
  }).join(' ')

const syllables = 'ba ce di fo gu ka le mi no pu ra se ti vo xu za ne li so tu'.split(' ')

const specOf = (base: Recipe) =>
  studySpec.parse({
    version: 1,
    base,
    space: [{ kind: 'number', path: 'optimizer.learningRate', low: 1e-5, high: 1e-2, isLog: true }],
    sampler: 'tpe',
    budget: { trials: trialsPerStudy },
    pruning: null,
    seed: 1,
  })

const labelSide = { precision: 0.5, recall: 0.5, f1: 0.5, predicted: 16 }
