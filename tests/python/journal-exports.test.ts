// What is carried out of the journal, read by the programs it is for: pyarrow, DuckDB, TensorBoard, MLflow. Each is left out
// with a notice where no Python has it.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { exportJournal } from '#core/archive/export-journal.ts'
import type { JournalForm } from '#shared/contract/index.ts'
import { unwrap } from '#shared/result.ts'
import { openRealLibrary, quietly, type RealLibrary } from '../core/archive/real-library.ts'
import { findPython } from '../support/models.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

const script = fileURLToPath(new URL('./journal_exports_check.py', import.meta.url))
const pythons = {
  parquet: findPython('pyarrow'),
  duckdb: findPython('duckdb'),
  tensorboard: findPython('tensorboard'),
  mlflow: findPython('mlflow'),
}
type Reader = keyof typeof pythons

interface Seen {
  readonly parquet: {
    readonly tables: Record<string, { rows: number; types: Record<string, string> }>
    readonly metrics: readonly { run_id: string; part: string; step: number; loss_nats: number; at: number }[]
  }
  readonly duckdb: { readonly best: readonly (readonly [string, number])[] }
  readonly tensorboard: Record<string, { scalars: Record<string, number[][]>; texts: Record<string, string> }>
  readonly mlflow: Record<
    string,
    { params: Record<string, string>; tags: Record<string, string>; train_loss: number[][] }
  >
}

describe.skipIf(Object.values(pythons).every((python) => python === null))(
  'carried out and read in Python',
  () => {
    let real: RealLibrary
    beforeAll(async () => {
      real = await openRealLibrary()
    })
    afterAll(() => real.close())

    async function seenBy<R extends Reader>(reader: R, form: JournalForm): Promise<Seen[R]> {
      const { place } = unwrap(await exportJournal({ form, runIds: null, withRows: true }, real, quietly))
      const { stdout } = await promisify(execFile)(pythons[reader]!, [script, reader, place], {
        maxBuffer: 1 << 28,
        timeout: 240_000,
      })
      return JSON.parse(stdout.trim().split('\n').at(-1)!)
    }

    const curve = (id: string) => unwrap(real.reader.curve(id))

    test.skipIf(pythons.parquet === null)('pyarrow reads every table, figure for figure', async () => {
      const { tables, metrics } = await seenBy('parquet', 'parquet')
      const totals = unwrap(real.reader.listRuns({ hasTrials: true })).total
      expect(tables.runs).toMatchObject({
        rows: totals,
        types: { seed: 'int64', created_at: 'timestamp[ms, tz=UTC]' },
      })
      expect(tables.metrics?.types).toMatchObject({ run_id: 'string', loss_nats: 'double', step: 'int64' })
      expect(tables.studies?.rows).toBe(1)
      expect(tables.trials?.rows).toBe(2)
      for (const id of [real.trained, real.resumed]) {
        const own = metrics.filter((row) => row.run_id === id && row.part === 'train')
        expect(own.map((row) => [row.step, row.loss_nats, Math.round(row.at * 1000)])).toEqual(
          curve(id).train.map(({ step, lossNats, atMs }) => [step, lossNats, atMs]),
        )
      }
    })

    test.skipIf(pythons.duckdb === null)('DuckDB answers the question of the README', async () => {
      const { best } = await seenBy('duckdb', 'parquet')
      const wanted = [real.trained, real.resumed].map((id) => [
        id,
        Math.min(...curve(id).validation.map(({ lossNats }) => lossNats)),
      ])
      expect(best).toEqual(wanted.sort())
    })

    test.skipIf(pythons.tensorboard === null)(
      'TensorBoard reads curves and settings of each run',
      async () => {
        const seen = await seenBy('tensorboard', 'tensorboard')
        for (const id of [real.trained, real.resumed]) {
          const { train, validation } = curve(id)
          const [, run] = Object.entries(seen).find(([name]) => name.endsWith(id))!
          const plain = ({ step, lossNats }: { step: number; lossNats: number }) => [
            step,
            Math.fround(lossNats),
          ]
          const figures = (tag: string) => run.scalars[tag]!.map(([, step, value]) => [step, value])
          expect(figures('loss/train')).toEqual(train.map(plain))
          expect(figures('loss/validation')).toEqual(validation.map(plain))
          expect(Object.keys(run.scalars).sort()).toEqual([
            'grad_norm',
            'learning_rate',
            'loss/train',
            'loss/validation',
          ])
          expect(run.texts['settings/text_summary']).toContain('| method.rank | `4` |')
        }
      },
    )

    test.skipIf(pythons.mlflow === null)("MLflow's own client finds every run with its figures", async () => {
      const seen = await seenBy('mlflow', 'mlflow')
      for (const id of [real.trained, real.resumed]) {
        const known = unwrap(real.reader.getRun(id))
        expect(seen[id]).toMatchObject({
          name: known.name,
          experiment: known.projectName,
          status: 'FINISHED',
        })
        expect(seen[id]?.params['optimizer.learningRate']).toBe('0.01')
        expect(seen[id]?.train_loss).toEqual(
          curve(id).train.map(({ atMs, step, lossNats }) => [atMs, step, lossNats]),
        )
      }
      expect(seen[real.trained]?.tags['mlflow.note.content']).toBe('first night\nwith two lines')
    })
  },
)
