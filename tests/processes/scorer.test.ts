import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createOnnxBackend } from '#backends/onnx/index.ts'
import { readAdapter } from '#core/models/adapter-folder.ts'
import type { Backend } from '#engine/index.ts'
import { scoreRows } from '#processes/scorer/score-rows.ts'
import type { RowScore, ScorerEvent, ScorerJob } from '#shared/proof-protocol.ts'
import type { ChatMessage } from '#shared/rows.ts'
import { findStarterGguf } from '../support/models.ts'
import { inMemory, scoreAlone } from './scorer/alone.ts'
import { importStarter } from './starter-folder.ts'
import { tinyConfig, tinyMethod, writeTinyAdapter, writeTinyModel } from './tiny-model.ts'

const home = mkdtempSync(join(tmpdir(), 'tunewright-scorer-'))
const modelFolder = join(home, 'model')
const adapterFolder = join(home, 'adapter')
const tuned = { kind: 'adapter' as const, folder: adapterFolder, weightsSha256: '0'.repeat(64) }
beforeAll(() => {
  writeTinyModel(modelFolder)
  writeTinyAdapter(adapterFolder)
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

const labels = ['billing', 'bug', 'bill', 'feature request', 'ü']
const promptOf = (text: string): ChatMessage[] => [
  { role: 'system', content: 'Sort.' },
  { role: 'user', content: text },
]
const rows = [
  { rowId: 'a', prompt: promptOf('I was charged twice'), answer: 'billing' },
  { rowId: 'b', prompt: promptOf('It crashes'), answer: 'bug' },
  { rowId: 'c', prompt: promptOf('Please add a dark mode to the settings page'), answer: 'feature request' },
]

async function score(job: Partial<ScorerJob>, backend: Backend = inMemory()) {
  const events: ScorerEvent[] = []
  await scoreRows(
    {
      modelFolder,
      tuned,
      workFolder: home,
      threads: 1,
      maxTokens: 256,
      rows,
      labels,
      ...job,
    },
    backend,
    {
      emit: async (event) => {
        events.push(event)
      },
      signal: new AbortController().signal,
    },
  )
  const scores = events.flatMap((event) => (event.kind === 'scores' ? event.rows : []))
  return { events, byId: new Map(scores.map((row) => [row.rowId, row])) }
}

function expectClose(got: readonly number[] | null | undefined, wanted: readonly number[]): void {
  expect(got).toHaveLength(wanted.length)
  for (const [index, value] of wanted.entries()) expect(got![index]).toBeCloseTo(value, 3)
}

describe('label likelihood with a shared prompt', () => {
  let scored: ReadonlyMap<string, RowScore>
  beforeAll(async () => {
    scored = (await score({})).byId
  })

  test('tuned: equals scoring every label alone', async () => {
    const adapter = await readAdapter(adapterFolder, tinyConfig)
    const naive = await scoreAlone({ modelFolder, rows, labels }, tinyMethod, adapter.tensors)
    for (const [rowId, wanted] of naive) expectClose(scored.get(rowId)?.tuned?.labelLogProbs, wanted)
  })

  test('base: equals scoring every label alone with no adapter at all', async () => {
    const naive = await scoreAlone({ modelFolder, rows, labels })
    for (const [rowId, wanted] of naive) expectClose(scored.get(rowId)?.base.labelLogProbs, wanted)
  })

  test('base and tuned differ, and the loss is that of the expected label', () => {
    for (const row of rows) {
      const found = scored.get(row.rowId)!
      const expected = labels.indexOf(row.answer)
      expect(found.base.lossNats).toBe(-found.base.labelLogProbs![expected]!)
      expect(found.answerTokens).toBe(found.labelTokens![expected])
      expect(Math.abs(found.base.lossNats - found.tuned!.lossNats)).toBeGreaterThan(0.01)
    }
  })
})

test('loss alone: one answer a row, the same nats as its label', async () => {
  const withLabels = (await score({})).byId
  const alone = (await score({ labels: null })).byId
  for (const row of rows) {
    expect(alone.get(row.rowId)!.tuned!.labelLogProbs).toBeNull()
    expect(alone.get(row.rowId)!.tuned!.lossNats).toBeCloseTo(withLabels.get(row.rowId)!.tuned!.lossNats, 4)
  }
})

test('without an adapter only the base is scored', async () => {
  const withAdapter = (await score({})).byId
  const without = (await score({ tuned: null })).byId
  for (const row of rows) {
    expect(without.get(row.rowId)!.tuned).toBeNull()
    expect(without.get(row.rowId)!.base.lossNats).toBeCloseTo(withAdapter.get(row.rowId)!.base.lossNats, 5)
  }
})

test('a row that is too long, and one with an unknown label, are left out with their reasons', async () => {
  const long = { rowId: 'long', prompt: promptOf('word '.repeat(60)), answer: 'bug' }
  const strange = { rowId: 'strange', prompt: promptOf('x'), answer: 'nothing of the kind' }
  const { events, byId } = await score({ rows: [...rows, long, strange] })
  const plan = events.find((event) => event.kind === 'plan')
  expect(plan).toMatchObject({ rows: 3 })
  expect(plan?.leftOut.map((row) => row.rowId)).toEqual(['long', 'strange'])
  expect(plan?.leftOut[0]?.reason).toMatch(/it has \d+ tokens, more than the 256/)
  expect(byId.size).toBe(3)
})

test('cancel ends it between two batches', async () => {
  const controller = new AbortController()
  controller.abort()
  const work = scoreRows(
    { modelFolder, tuned, workFolder: home, threads: 1, maxTokens: 256, rows, labels },
    inMemory(),
    { emit: async () => {}, signal: controller.signal },
  )
  await expect(work).rejects.toThrow('cancelled')
})

const gguf = findStarterGguf()

describe.skipIf(!gguf)('the real starter model on ONNX Runtime', () => {
  test('labels behind one prompt get what each gets alone', { timeout: 600_000 }, async () => {
    const starter = await importStarter(gguf!)
    const modelFolder = starter.model.folder
    const teams = ['billing', 'technical problem', 'account', 'shipping', 'refund', 'praise', 'other']
    const asked = [
      'I was charged twice this month.',
      'Where is my parcel? It should have come on Monday.',
    ].map((text, row) => ({ rowId: `${row}`, prompt: promptOf(text), answer: teams[row]! }))
    const job = { modelFolder, tuned: null, threads: 2 }
    const backend = createOnnxBackend()
    const packed = (await score({ ...job, rows: asked, labels: teams }, backend)).byId
    const separate = asked.flatMap((row) =>
      teams.map((answer, team) => ({ ...row, rowId: `${row.rowId}/${team}`, answer })),
    )
    const alone = (await score({ ...job, rows: separate, labels: null }, backend)).byId
    for (const row of asked)
      for (const team of teams.keys()) {
        const shared = packed.get(row.rowId)!.base.labelLogProbs![team]!
        expect(Math.abs(shared + alone.get(`${row.rowId}/${team}`)!.base.lossNats)).toBeLessThan(1e-3)
      }
  })
})
