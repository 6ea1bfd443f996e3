// How long carrying a journal out takes in each form, how large it is and how much memory it needs, and how long bringing it
// in elsewhere takes. `npx node bench/archive.ts [runs] [steps a run]`; prints the load beside the figures.
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportJournal } from '#core/archive/export-journal.ts'
import { importJournal } from '#core/archive/import-journal.ts'
import { openLibrary } from '#core/system/library.ts'
import { openJournalReader } from '#journal/reader.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { recipe } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'

const [runs = 1000, steps = 1000] = process.argv.slice(2).map(Number)
const home = mkdtempSync(join(tmpdir(), 'tunewright-bench-archive-'))
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
const sha = 'a'.repeat(64)

function addRuns(path: string): string[] {
  const writer = unwrap(openJournalWriter(path))
  const { id: projectId } = unwrap(writer.ensureProject({ name: 'Bench', scenario: 'classification' }))
  const model = { name: 'Starter', source: 'file', licence: 'Apache-2.0', weightsSha256: sha, parameters: 1 }
  unwrap(writer.addModel({ id: 'starter', ...model }))
  const counts = { train: 80, validation: 10, test: 10, leftOut: 0 }
  const dataset = { fingerprint: 'd'.repeat(16), sourceName: 'mail.csv', manifest: {}, counts }
  unwrap(writer.addDataset({ scenario: 'classification', ...dataset }))
  const ids = Array.from({ length: runs }, (_, seed) => {
    const decided = recipe.parse({
      ...{
        version: 1,
        model: { id: 'starter', weightsSha256: sha },
        data: { fingerprint: dataset.fingerprint },
      },
      ...{ scenario: 'classification', instruction: 'Name the team.', seed, threads: 2 },
    })
    const run = {
      projectId,
      name: `Run ${seed}`,
      backend: 'onnx-cpu',
      device: {},
      versions: {},
      recipe: decided,
    }
    const { id } = unwrap(writer.createRun(run))
    const { attempt } = unwrap(writer.startAttempt(id))
    const events = Array.from({ length: steps }, (_, place) => ({
      ...{ seq: place + 1, atMs: 1_750_000_000_000 + place * 500, kind: 'step' },
      body: {
        ...{
          step: place + 1,
          epoch: place / 100,
          lossNats: 1 / (place + 1 + seed / 7),
          gradNorm: 0.1 + place / 77,
        },
        ...{
          learningRate: 2e-4 / (1 + place),
          labelledTokens: 64,
          tokensSeen: 512 * place,
          durationMs: 120.5,
        },
      },
    }))
    unwrap(writer.appendEvents(id, attempt, events))
    const end = { bestStep: null, bestLossNats: null, adapterSha256: null }
    unwrap(writer.finishRun(id, { reason: 'completed', ...end }))
    return id
  })
  unwrap(writer.close())
  return ids
}

async function timed(what: string, work: () => Promise<number>): Promise<void> {
  let most = 0
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss)
  }, 50)
  const startedMs = performance.now()
  const bytes = await work()
  clearInterval(timer)
  const seconds = (performance.now() - startedMs) / 1000
  const load = loadavg()[0]?.toFixed(1)
  console.log(
    `${what}: ${seconds.toFixed(1)} s, ${megabytes(bytes)}, process at most ${megabytes(most)}, load ${load}`,
  )
}

const telling = { signal: new AbortController().signal, tell: () => {} }
try {
  const library = openLibrary(join(home, 'here'))
  const ids = addRuns(library.journalPath)
  const reader = unwrap(openJournalReader(library.journalPath))
  console.log(`${runs} runs of ${steps} steps: journal ${megabytes(statSync(library.journalPath).size)}`)
  for (const form of ['jsonl', 'parquet', 'tensorboard', 'mlflow', 'bundle'] as const)
    await timed(form, async () => {
      const runIds = form === 'bundle' ? ids.slice(0, 100) : null
      return unwrap(await exportJournal({ form, runIds, withRows: true }, { library, reader }, telling)).bytes
    })
  reader.close()
  await timed('import elsewhere', async () => {
    const there = openLibrary(join(home, 'there'))
    const writer = unwrap(openJournalWriter(there.journalPath))
    const report = unwrap(await importJournal(library.journalPath, { library: there, writer }, telling))
    if (report.runs !== runs) throw new Error(`brought in ${report.runs}`)
    unwrap(writer.close())
    return statSync(there.journalPath).size
  })
} finally {
  rmSync(home, { recursive: true, force: true })
}
