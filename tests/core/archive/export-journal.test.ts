// The journal carried out in every open form, and read back: what comes out is what the journal holds.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { parquetReadObjects } from 'hyparquet'
import { load } from 'js-yaml'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { listCarriedOut } from '#core/archive/archive-folder.ts'
import { exportJournal } from '#core/archive/export-journal.ts'
import type { JournalForm } from '#shared/contract/index.ts'
import { unwrap } from '#shared/result.ts'
import { readEventFile } from '../../formats/event-file.ts'
import { openRealLibrary, quietly, type RealLibrary } from './real-library.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

let real: RealLibrary
beforeAll(async () => {
  real = await openRealLibrary()
})
afterAll(() => real.close())

const carryOut = async (form: JournalForm, runIds: readonly string[] | null = null): Promise<string> =>
  unwrap(await exportJournal({ form, runIds, withRows: true }, real, quietly)).place

const jsonLines = (folder: string, name: string): Record<string, unknown>[] =>
  readFileSync(join(folder, name), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

const camel = (name: string): string => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
const parsed = (value: unknown): unknown => {
  try {
    return typeof value === 'string' && /^[[{"]/.test(value) ? JSON.parse(value) : value
  } catch {
    return value
  }
}

describe('JSON lines', () => {
  test('hold every row of every kind, as it is stored', async () => {
    const folder = await carryOut('jsonl')
    const db = new Database(real.library.journalPath, { readonly: true })
    const kinds = 'projects models datasets runs events evaluations answers comparisons test_set_openings'
    for (const table of [...kinds.split(' '), 'artifacts', 'studies', 'trials', 'links']) {
      const rows = db.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`).all() as Record<string, unknown>[]
      const wanted = rows.map((row) =>
        Object.fromEntries(
          Object.entries(row).map(([name, value]) => [
            camel(name),
            Buffer.isBuffer(value) ? value.toString('hex') : value,
          ]),
        ),
      )
      const plain = (row: Record<string, unknown>) =>
        Object.fromEntries(Object.entries(row).map(([name, value]) => [name, parsed(value)]))
      expect(jsonLines(folder, `${table.replaceAll('_', '-')}.jsonl`).map(plain)).toEqual(wanted.map(plain))
      if (table !== 'links') expect(rows.length, table).toBeGreaterThan(0)
    }
    db.close()
    expect(readFileSync(join(folder, 'README.md'), 'utf8')).toContain('`events.jsonl`')
  })

  test('let the chain of a run be computed again by their description', async () => {
    const folder = await carryOut('jsonl', [real.trained])
    const events = jsonLines(folder, 'events.jsonl')
    let previous = Buffer.alloc(32)
    for (const { runId, seq, attempt, atMs, kind, body, hash } of events) {
      previous = createHash('sha256')
        .update(previous)
        .update(JSON.stringify([runId, seq, attempt, atMs, kind, JSON.stringify(body)]))
        .digest()
      expect(previous.toString('hex')).toBe(hash)
    }
    expect(events.length).toBeGreaterThan(10)
  })

  test('of chosen runs hold what belongs to them and nothing else', async () => {
    const folder = await carryOut('jsonl', [real.trained])
    expect(jsonLines(folder, 'runs.jsonl').map(({ id }) => id)).toEqual([real.trained])
    expect(jsonLines(folder, 'studies.jsonl')).toEqual([])
    expect(new Set(jsonLines(folder, 'events.jsonl').map(({ runId }) => runId))).toEqual(
      new Set([real.trained]),
    )
  })
})

type Rows = Record<string, unknown>[]
const readParquet = async (folder: string, name: string): Promise<Rows> => {
  const bytes = readFileSync(join(folder, name))
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
  return (await parquetReadObjects({ file })) as Rows
}

test('Parquet holds the curves figure for figure, the answers, and the searches', async () => {
  const folder = await carryOut('parquet')
  const metrics = await readParquet(folder, 'metrics.parquet')
  for (const id of [real.trained, real.resumed]) {
    const { train, validation } = unwrap(real.reader.curve(id))
    const of = (part: string) => metrics.filter((row) => row.run_id === id && row.part === part)
    const figures = of('train').map(({ step, loss_nats, grad_norm, learning_rate, attempt, at }) => ({
      ...{ step: Number(step), lossNats: loss_nats, gradNorm: grad_norm, learningRate: learning_rate },
      ...{ attempt: Number(attempt), atMs: (at as Date).getTime() },
    }))
    expect(figures).toEqual(
      train.map(({ step, lossNats, gradNorm, learningRate, attempt, atMs }) => ({
        ...{ step, lossNats, gradNorm, learningRate, attempt, atMs },
      })),
    )
    expect(of('validation').map((row) => [Number(row.step), row.loss_nats, row.epoch])).toEqual(
      validation.map(({ step, lossNats }) => [step, lossNats, null]),
    )
  }
  const runs = await readParquet(folder, 'runs.parquet')
  const trained = runs.find(({ run_id }) => run_id === real.trained)
  const known = unwrap(real.reader.getRun(real.trained))
  expect(trained).toMatchObject({ name: known.name, project: known.projectName, notes: known.notes })
  expect(JSON.parse(String(trained?.recipe))).toEqual(known.recipe)
  const answers = await readParquet(folder, 'answers.parquet')
  const evaluations = unwrap(real.reader.evaluations(real.trained))
  expect(answers.map(({ row_id, answer, subject }) => [row_id, answer, subject]).sort()).toEqual(
    evaluations
      .flatMap(({ answers: all, subject }) => all.map(({ rowId, answer }) => [rowId, answer, subject]))
      .sort(),
  )
  const trials = await readParquet(folder, 'trials.parquet')
  expect(trials.map(({ number, status, loss_nats }) => [Number(number), status, loss_nats])).toEqual([
    [0, 'complete', 0.5],
    [1, 'planned', null],
  ])
  const settings = await readParquet(folder, 'settings.parquet')
  expect(settings).toContainEqual({ run_id: real.trained, path: 'method.rank', value: '4' })
})

test('event files of TensorBoard hold the curve, framed with sound checksums', async () => {
  const folder = await carryOut('tensorboard', [real.trained, real.resumed])
  const runFolders = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  expect(runFolders).toHaveLength(2)
  const { name } = runFolders.find((entry) => entry.name.endsWith(real.resumed))!
  const [file] = readdirSync(join(folder, name))
  expect(file).toMatch(/^events\.out\.tfevents\.\d+\./)
  const events = readEventFile(readFileSync(join(folder, name, file!)))
  expect(events[0]?.version).toBe('brain.Event:2')
  const { train, validation } = unwrap(real.reader.curve(real.resumed))
  const scalars = (tag: string) =>
    events
      .filter((event) => event.tag === tag)
      .map(({ step, scalar, wallTimeMs }) => [step, scalar, wallTimeMs])
  expect(scalars('loss/train')).toEqual(
    train.map(({ step, lossNats, atMs }) => [step, Math.fround(lossNats), atMs]),
  )
  expect(scalars('loss/validation')).toEqual(
    validation.map(({ step, lossNats, atMs }) => [step, Math.fround(lossNats), atMs]),
  )
  expect(scalars('grad_norm')).toHaveLength(train.length)
  const text = events.find(({ tag }) => tag === 'settings/text_summary')?.text
  expect(text).toContain('| method.rank | `4` |')
})

test('the layout of MLflow has a folder a run with parameters, metrics and tags', async () => {
  const folder = await carryOut('mlflow')
  const [experiment] = readdirSync(join(folder, 'mlruns'))
  const known = unwrap(real.reader.getRun(real.trained))
  const meta = load(readFileSync(join(folder, 'mlruns', experiment!, 'meta.yaml'), 'utf8'))
  expect(meta).toMatchObject({ experiment_id: experiment, name: known.projectName })
  const run = join(folder, 'mlruns', experiment!, real.trained)
  const runMeta = load(readFileSync(join(run, 'meta.yaml'), 'utf8'))
  expect(runMeta).toMatchObject({ run_id: real.trained, run_name: known.name, status: 3 })
  expect(readFileSync(join(run, 'params', 'method.rank'), 'utf8')).toBe('4')
  expect(readFileSync(join(run, 'params', 'instruction'), 'utf8')).not.toMatch(/[\r\n]/)
  expect(readFileSync(join(run, 'tags', 'mlflow.note.content'), 'utf8')).toBe(known.notes)
  const lines = readFileSync(join(run, 'metrics', 'train_loss'), 'utf8')
    .trim()
    .split('\n')
  expect(lines.map((line) => line.split(' ').map(Number))).toEqual(
    unwrap(real.reader.curve(real.trained)).train.map(({ atMs, lossNats, step }) => [atMs, lossNats, step]),
  )
})

test('a removed run is left out of the tables, and stands among the JSON lines with its mark', async () => {
  const { recipe, projectId } = unwrap(real.reader.getRun(real.resumed))
  const run = { projectId, name: 'Thrown away', backend: 'onnx-cpu', device: {}, versions: {}, recipe }
  const { id } = unwrap(real.writer.createRun(run))
  unwrap(real.writer.setRunStatus(id, 'cancelled'))
  unwrap(real.writer.removeRuns([id]))
  const rows = await readParquet(await carryOut('parquet'), 'runs.parquet')
  expect(rows.map(({ run_id }) => run_id)).not.toContain(id)
  const all = jsonLines(await carryOut('jsonl'), 'runs.jsonl')
  expect(all.find((row) => row.id === id)?.removedAtMs).toEqual(expect.any(Number))
})

test.skipIf(process.platform !== 'linux').each(['jsonl', 'bundle'] as const)(
  'a place where no folder can be made is refused at once: %s',
  async (form) => {
    const request = { form, runIds: [real.trained], withRows: false, folder: '/proc/nowhere/below' }
    expect(await exportJournal(request, real, quietly)).toMatchObject({
      ok: false,
      problem: { code: 'disk.failed' },
    })
  },
)

test('exports are listed newest first, and a name is never taken twice', async () => {
  const first = await carryOut('tensorboard', [real.trained])
  const second = await carryOut('tensorboard', [real.trained])
  expect(second).not.toBe(first)
  const listed = await listCarriedOut(real.library.exportsFolder)
  expect(listed.find(({ place }) => place === second)).toMatchObject({ form: 'tensorboard' })
  expect(listed.map(({ createdAtMs }) => createdAtMs)).toEqual(
    listed.map(({ createdAtMs }) => createdAtMs).toSorted((a, b) => b - a),
  )
})

test.each(['jsonl', 'parquet', 'tensorboard', 'mlflow', 'bundle'] as const)(
  '%s that is stopped under way leaves nothing behind',
  async (form) => {
    const before = readdirSync(real.library.exportsFolder)
    const cancel = new AbortController()
    const telling = { signal: cancel.signal, tell: () => cancel.abort() }
    const request = { form, runIds: [real.trained, real.resumed], withRows: true }
    const result = await exportJournal(request, real, telling)
    expect(result).toMatchObject({ ok: false, problem: { code: 'proof.cancelled' } })
    expect(readdirSync(real.library.exportsFolder)).toEqual(before)
    expect(readdirSync(real.library.cacheFolder).filter((name) => name.includes('.tmp-'))).toEqual([])
  },
)

test('an unknown run and a folder that cannot be written to are said, with nothing left behind', async () => {
  expect(
    await exportJournal({ form: 'jsonl', runIds: ['run-none'], withRows: true }, real, quietly),
  ).toMatchObject({
    problem: { code: 'run.unknown' },
  })
  const file = join(real.library.home, 'journal.db')
  const request = { form: 'jsonl', runIds: null, withRows: true, folder: join(file, 'below') } as const
  expect(await exportJournal(request, real, quietly)).toMatchObject({ problem: { code: 'disk.failed' } })
  expect(existsSync(join(file, 'below'))).toBe(false)
  expect(await exportJournal({ form: 'bundle', runIds: null, withRows: true }, real, quietly)).toMatchObject({
    problem: { code: 'export.failed' },
  })
})
