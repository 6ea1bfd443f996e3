// Records real runs for the tests of diagnosis and of the time that is left: their curve, and every event with the moment
// at which the program saw it. Not a test: `chrt --rr 1 npx node tests/core/training/record-runs.ts [NAME...]`; with that
// right of way other programs do not disturb it (docs/training.md).
// A recorded curve keeps the label that a person gave it; a new one has none, and the tests ask for it.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { importModel } from '#core/models/import-model.ts'
import { createNodeLauncher } from '#core/system/launcher.ts'
import { type Library, openLibrary } from '#core/system/library.ts'
import { prepareRun } from '#core/training/prepare-run.ts'
import { median } from '#core/training/robust.ts'
import { createRunService } from '#core/training/run-service.ts'
import { counterRandom } from '#engine/index.ts'
import { openJournalReader } from '#journal/reader.ts'
import { openJournalWriter } from '#journal/writer.ts'
import type { DatasetManifest } from '#shared/dataset.ts'
import type { RunCurve, RunDetail } from '#shared/journal-types.ts'
import { type Recipe, type RecipeDraft, recipeDraft } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import type { TrainerEvent, TrainerEventKind } from '#shared/trainer-protocol.ts'
import { writeTinyModel } from '../../processes/tiny-model.ts'
import { messagesCsv } from '../../processes/trainer/tiny-run.ts'
import { findStarterGguf } from '../../support/models.ts'
import { type RecordedRun, recordedRuns } from './recorded-runs.ts'

const golden = (folder: string, name: string): string =>
  new URL(`../../golden/${folder}/${name}.json`, import.meta.url).pathname

/** The first `rows` messages; shuffled, their labels say nothing that could be learned but by heart. */
async function csvOf({ rows, source, shuffled }: RecordedRun): Promise<string> {
  const text =
    source === 'tiny messages'
      ? messagesCsv(rows)
      : await readFile(
          new URL('../../../resources/samples/bike-shop-messages/messages.csv', import.meta.url),
          'utf8',
        )
  const [head = '', ...lines] = text
    .trim()
    .split('\n')
    .slice(0, rows + 1)
  if (!shuffled) return `${[head, ...lines].join('\n')}\n`
  const labels = lines.map((line) => line.slice(line.lastIndexOf(',') + 1))
  const random = counterRandom(11, 'labels')
  for (let i = labels.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random(i) * (i + 1))
    ;[labels[i], labels[j]] = [labels[j]!, labels[i]!]
  }
  const mixed = lines.map((line, i) => `${line.slice(0, line.lastIndexOf(','))},${labels[i]}`)
  return `${[head, ...mixed].join('\n')}\n`
}

/** Seconds that all processors together were busy, and of them those of our trainer. */
function busySeconds(pid: number | undefined): { all: number; own: number } {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = readFileSync(
    '/proc/stat',
    'utf8',
  )
    .split('\n')[0]!
    .split(/\s+/)
    .map(Number)
  let own = 0
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    own = Number(fields[11]) + Number(fields[12])
  } catch {
    own = Number.NaN
  }
  return { all: (user + nice + system + irq + softirq + steal) / 100, own: own / 100 }
}

interface Recording {
  readonly run: RecordedRun
  readonly dataset: DatasetManifest
  readonly recipe: Recipe
  readonly after: RunDetail
  readonly curve: RunCurve
  readonly events: readonly { readonly ms: number; readonly event: TrainerEvent }[]
  readonly endedMs: number
  /** Share of the processors that other programs used, each second. */
  readonly others: readonly number[]
}

async function record(run: RecordedRun): Promise<Recording> {
  const home = await mkdtemp(join(tmpdir(), 'tunewright-record-'))
  const library = openLibrary(home)
  const draft = await draftOf(run, library)
  const writer = unwrap(openJournalWriter(library.journalPath))
  const reader = unwrap(openJournalReader(library.journalPath))
  try {
    const { runId, recipe, dataset } = unwrap(await prepareRun(draft, { library, writer }))
    const launcher = createNodeLauncher()
    const startedMs = performance.now()
    const active = unwrap(await createRunService({ library, writer, reader, launcher }).launch(runId))
    const events: { ms: number; event: TrainerEvent }[] = []
    const stopWatching = watchOthers(active.pid)
    active.onEvent(({ event }) => {
      events.push({ ms: Math.round(performance.now() - startedMs), event })
      if (event.kind === 'step' && event.step === run.disturbed?.fromStep)
        disturb(active.pid, run.disturbed.forMs)
    })
    await active.ended
    const endedMs = Math.round(performance.now() - startedMs)
    const others = stopWatching()
    const [after, curve] = [unwrap(reader.getRun(runId)), unwrap(reader.curve(runId))]
    return { run, dataset, recipe, after, curve, events, endedMs, others }
  } finally {
    reader.close()
    unwrap(writer.close())
    await rm(home, { recursive: true, force: true })
  }
}

/** Brings model and rows into the library. */
async function draftOf(run: RecordedRun, library: Library): Promise<RecipeDraft> {
  const from = run.model === 'tiny' ? writeTinyModel(join(library.cacheFolder, 'tiny')) : findStarterGguf()
  if (from === null) throw new Error('SmolLM2 is not here: npx node scripts/fetch-test-models.ts')
  const path = join(library.cacheFolder, 'messages.csv')
  await writeFile(path, await csvOf(run))
  return recipeDraft.parse({
    model: unwrap(await importModel(library, from)).id,
    data: { path, columns: { text: 'message', label: 'team' }, validationShare: run.validationShare },
    scenario: 'classification',
    ...(run.model === 'tiny' ? { instruction: 'Answer with money, shipping or access.' } : {}),
    ...run.settings,
  })
}

/** Looks each second until it is stopped; gives what the others used. */
function watchOthers(pid: number | undefined): () => number[] {
  const others: number[] = []
  const now = () => ({ ...busySeconds(pid), ms: performance.now() })
  let before = now()
  const look = setInterval(() => {
    const after = now()
    const seconds = ((after.ms - before.ms) / 1000) * cpus().length
    const share = (after.all - before.all - (after.own - before.own)) / seconds
    if (Number.isFinite(share)) others.push(Math.round(100 * Math.max(0, share)) / 100)
    before = after
  }, 1000)
  return () => {
    clearInterval(look)
    return others
  }
}

/** Takes its right of way from the trainer, so that the programs of a busy machine slow it down, and gives it back. */
function disturb(pid: number | undefined, forMs: number): void {
  const schedule = (policy: string, priority: string) =>
    execFileSync('chrt', ['--all-tasks', policy, '--pid', priority, String(pid)])
  schedule('--other', '0')
  setTimeout(() => schedule('--rr', '1'), forMs).unref()
}

/** What the time that is left is reckoned from; the rest of an event is not kept. */
const keptFields: Readonly<Partial<Record<TrainerEventKind, readonly string[]>>> = {
  plan: [
    'totalSteps',
    'stepsPerEpoch',
    'evaluateEverySteps',
    'trainRows',
    'validationRows',
    'resumedAtStep',
    'determinism',
    'backend',
  ],
  phase: ['phase'],
  step: ['step', 'durationMs', 'tokensSeen'],
  evaluation: ['step', 'lossNats', 'isBest', 'durationMs'],
  samples: ['step', 'durationMs'],
  checkpoint: ['step'],
  heartbeat: ['step', 'phase'],
  finished: ['step', 'reason'],
}

const compact = (event: TrainerEvent): object => {
  const kept = ['kind', ...(keptFields[event.kind] ?? [])]
  const fields = Object.entries(event).filter(([name]) => kept.includes(name))
  return Object.fromEntries(
    fields.map(([name, value]) => [
      name,
      typeof value === 'number' && value % 1 !== 0 ? short(value) : value,
    ]),
  )
}

const short = (value: number): number => Number(value.toPrecision(5))

/** One line for each element of the longest lists: small, and a change can be read. */
async function writeJson(path: string, value: object): Promise<void> {
  const parts = Object.entries(value).map(([key, part]) => {
    const isLong = Array.isArray(part) && Array.isArray(part[0])
    const text = isLong
      ? `[\n${part.map((item) => `    ${JSON.stringify(item)}`).join(',\n')}\n  ]`
      : JSON.stringify(part)
    return `  ${JSON.stringify(key)}: ${text}`
  })
  await writeFile(path, `{\n${parts.join(',\n')}\n}\n`)
}

const howOf = ({ model, rows, source, shuffled, settings }: RecordedRun) => ({
  model,
  rows,
  source,
  shuffled,
  settings,
})

async function writeCurve({ run, dataset, recipe, after, curve }: Recording): Promise<void> {
  const path = golden('curves', run.name)
  const known = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { label?: string[] }) : {}
  await writeJson(path, {
    how: howOf(run),
    made: 'recorded',
    label: known.label ?? [],
    totalSteps: after.totalSteps ?? 0,
    validationRows: dataset.counts.validation,
    labels: dataset.labels?.length ?? null,
    clipNorm: recipe.optimizer.clipNorm,
    failureCode: after.failureCode,
    endReason: after.endReason,
    train: curve.train.map((p) => [p.step, p.lossNats, p.gradNorm, p.learningRate].map(short)),
    validation: curve.validation.map((p) => [p.step, short(p.lossNats), p.labelledTokens, p.isBest ? 1 : 0]),
  })
}

const writeTimes = ({ run, events, endedMs, others }: Recording): Promise<void> =>
  writeJson(golden('time-left', run.name), {
    how: howOf(run),
    disturbed: run.disturbed !== null,
    othersShare: median(others),
    others,
    endedMs,
    events: events.map(({ ms, event }) => [ms, compact(event)]),
  })

const wanted = process.argv.slice(2)
for (const run of recordedRuns) {
  if (wanted.length > 0 && !wanted.includes(run.name)) continue
  const recording = await record(run)
  await writeCurve(recording)
  if (run.timed) await writeTimes(recording)
  const { after, curve, endedMs } = recording
  const losses = curve.validation.map(({ lossNats }) => lossNats.toFixed(3)).join(' ')
  const end = `${after.status} ${after.endReason ?? after.failureCode}`
  process.stdout.write(
    `${run.name}: ${end} ${curve.train.length} steps, ${endedMs} ms, validation ${losses}\n`,
  )
}
