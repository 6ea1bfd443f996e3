// A journal of many years: runs with curves, notes, tags and proofs, written by the journal's own commands in few large
// commits, so that 10,000 runs with a million events take a minute and not an hour.
import type { Database } from 'better-sqlite3'
import { openForWriting } from '#journal/connection.ts'
import { appendEvents } from '#journal/event-commands.ts'
import { addDataset, addModel, addProject } from '#journal/library-commands.ts'
import { addProof } from '#journal/proof-commands.ts'
import { createRun, failRun, finishRun, startAttempt } from '#journal/run-commands.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { recipe } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'

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
}

/** Writes them into a new journal at `path`. */
export function writeManyRuns(path: string, { runs, eventsPerRun }: ManyRuns): void {
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
    const { id } = createRun(context, {
      projectId: projectIds[project],
      name: `Run ${n + 1}`,
      recipe: recipeOf(n, project),
      backend: 'onnx-cpu',
      device: { cpu: 'Example', cores: 2 },
      versions: { tunewright: '0.1.0' },
      notes:
        n % 7 === 0 ? `Tried ${wishes[n % wishes.length]}, because the last one was not good enough.` : '',
      tags: n % 5 === 0 ? [tagNames[n % tagNames.length] ?? 'keep'] : [],
    })
    startAttempt(context, id, {})
    const losses = Array.from({ length: eventsPerRun }, (_, step) => lossOf(n, step + 1))
    appendEvents(
      context,
      id,
      1,
      losses.map((lossNats, i) => eventOf(i + 1, lossNats, nowMs)),
    )
    nowMs += 60_000 + (n % 97) * 1000
    if (n % 11 === 3) failRun(context, id, { status: 'crashed', problem: crash })
    else
      finishRun(context, id, {
        reason: 'completed',
        bestStep: 80,
        bestLossNats: lossOf(n, 80),
        adapterSha256: digit(1),
      })
    if (n % 3 === 0) addProof(context, proofOf(id, digit(project), n))
  }
  for (let from = 0; from < runs; from += runsPerCommit)
    db.transaction(() => {
      for (let n = from; n < Math.min(runs, from + runsPerCommit); n++) writeRun(n)
    })()
  close(db)
  // The next opening finds rows that the last session did not close over, and notes their digest.
  unwrap(unwrap(openJournalWriter(path)).close())
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

function proofOf(runId: string, datasetFingerprint: string, n: number) {
  const value = 0.3 + noise(n, 1) * 0.65
  const interval = (middle: number) => ({ value: middle, low: middle - 0.07, high: middle + 0.05 })
  const both = { base: interval(0.5), tuned: interval(value), difference: interval(value - 0.5) }
  const kind = value > 0.57 ? 'better' : value < 0.43 ? 'worse' : 'no-measurable-difference'
  const answers = Array.from({ length: 20 }, (_, row) => ({
    rowId: `row-${row}`,
    expected: 'money',
    answer: noise(n, row) < value ? 'money' : 'shipping',
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
  }
  return { base: evaluation('base'), tuned: evaluation('tuned'), comparison: { runId, body } }
}

const labelSide = { precision: 0.5, recall: 0.5, f1: 0.5, predicted: 16 }
