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
import { openLibrary } from '#core/system/library.ts'
import { prepareRun } from '#core/training/prepare-run.ts'
import { createRunService } from '#core/training/run-service.ts'
import { counterRandom } from '#engine/index.ts'
import { openJournalReader } from '#journal/reader.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { type RecipeDraft, recipeDraft } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import type { TrainerEvent } from '#shared/trainer-protocol.ts'
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

async function record(run: RecordedRun): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'tunewright-record-'))
  const library = openLibrary(home)
  const from = run.model === 'tiny' ? writeTinyModel(join(library.cacheFolder, 'tiny')) : findStarterGguf()
  if (from === null) throw new Error('SmolLM2 is not here: npx node scripts/fetch-test-models.ts')
  const model = unwrap(await importModel(library, from)).id
  const path = join(library.cacheFolder, 'messages.csv')
  await writeFile(path, await csvOf(run))
  const writer = unwrap(openJournalWriter(library.journalPath))
  const reader = unwrap(openJournalReader(library.journalPath))
  try {
    const draft: RecipeDraft = recipeDraft.parse({
      model,
      data: {
        path,
        columns: { text: 'message', label: 'team' },
        ...(run.validationShare === undefined ? {} : { validationShare: run.validationShare }),
      },
      scenario: 'classification',
      ...(run.model === 'tiny' ? { instruction: 'Answer with money, shipping or access.' } : {}),
      ...run.settings,
    })
    const { runId, recipe, dataset } = unwrap(await prepareRun(draft, { library, writer }))
    const launcher = createNodeLauncher()
    const startedMs = performance.now()
    const active = unwrap(await createRunService({ library, writer, reader, launcher }).launch(runId))
    const events: { ms: number; event: TrainerEvent }[] = []
    /** Share of the processors that others used, each second. */
    const others: number[] = []
    let before = { ...busySeconds(active.pid), ms: startedMs }
    const look = setInterval(() => {
      const now = { ...busySeconds(active.pid), ms: performance.now() }
      const seconds = ((now.ms - before.ms) / 1000) * cpus().length
      const share = (now.all - before.all - (now.own - before.own)) / seconds
      if (Number.isFinite(share)) others.push(Math.round(100 * Math.max(0, share)) / 100)
      before = now
    }, 1000)
    active.onEvent(({ event }) => {
      events.push({ ms: Math.round(performance.now() - startedMs), event })
      if (event.kind === 'step' && event.step === run.disturbedFromStep)
        disturb(active.pid, run.disturbedForMs ?? 0)
    })
    const outcome = await active.ended
    const endedMs = Math.round(performance.now() - startedMs)
    clearInterval(look)
    const { train, validation } = unwrap(reader.curve(runId))
    const after = unwrap(reader.getRun(runId))
    const plan = events.find(({ event }) => event.kind === 'plan')?.event
    const how = {
      model: run.model,
      rows: run.rows,
      source: run.source,
      shuffled: run.shuffled,
      settings: run.settings,
    }
    const kept = existsSync(golden('curves', run.name))
      ? (JSON.parse(readFileSync(golden('curves', run.name), 'utf8')) as { label?: string[] }).label
      : undefined
    await writeJson(golden('curves', run.name), {
      how,
      made: 'recorded',
      label: kept ?? [],
      totalSteps: plan?.kind === 'plan' ? plan.totalSteps : 0,
      validationRows: dataset.counts.validation,
      labels: dataset.labels?.length ?? null,
      clipNorm: recipe.optimizer.clipNorm,
      failureCode: outcome.problem?.code ?? null,
      endReason: after.endReason,
      train: train.map((p) => [p.step, p.lossNats, p.gradNorm, p.learningRate].map(short)),
      validation: validation.map((p) => [p.step, short(p.lossNats), p.labelledTokens, p.isBest ? 1 : 0]),
    })
    if (run.timed)
      await writeJson(golden('time-left', run.name), {
        how,
        disturbed: run.disturbedFromStep !== undefined,
        /** Median share of the processors that other programs used. */
        othersShare: [...others].sort((a, b) => a - b)[others.length >> 1] ?? 0,
        others,
        endedMs,
        events: events.map(({ ms, event }) => [ms, compact(event)]),
      })
    process.stdout.write(
      `${run.name}: ${outcome.status} ${after.endReason ?? outcome.problem?.code} ${train.length} steps, ${endedMs} ms, validation ${validation.map((p) => p.lossNats.toFixed(3)).join(' ')}\n`,
    )
  } finally {
    reader.close()
    unwrap(writer.close())
    await rm(home, { recursive: true, force: true })
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
function compact(event: TrainerEvent): object {
  switch (event.kind) {
    case 'plan': {
      const { leftOut: _, trainableParameters: __, ...plan } = event
      return plan
    }
    case 'step':
      return {
        kind: event.kind,
        step: event.step,
        durationMs: short(event.durationMs),
        tokensSeen: event.tokensSeen,
      }
    case 'evaluation':
      return {
        kind: event.kind,
        step: event.step,
        lossNats: short(event.lossNats),
        isBest: event.isBest,
        durationMs: short(event.durationMs),
      }
    case 'phase':
      return { kind: event.kind, phase: event.phase }
    case 'heartbeat':
      return { kind: event.kind, step: event.step, phase: event.phase }
    case 'checkpoint':
      return { kind: event.kind, step: event.step }
    case 'finished':
      return { kind: event.kind, step: event.step, reason: event.reason }
    default:
      return { kind: event.kind }
  }
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

const wanted = process.argv.slice(2)
for (const run of recordedRuns) if (wanted.length === 0 || wanted.includes(run.name)) await record(run)
