// Labels that a model of two halves may write: scored with the source read once for all of them, as each is alone.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createOnnxBackend } from '#backends/onnx/index.ts'
import type { Backend } from '#engine/index.ts'
import { scoreRows } from '#processes/scorer/score-rows.ts'
import type { RowScore, ScorerJob } from '#shared/proof-protocol.ts'
import { writeTinyT5 } from '../tiny-t5.ts'

const home = mkdtempSync(join(tmpdir(), 'tunewright-t5-labels-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))
const modelFolder = writeTinyT5(join(home, 'model'))

const labels = ['money', 'shipping', 'access', 'the other one']
const rows = ['where is my parcel', 'the bill is wrong, and it is wrong again', 'access'].map(
  (content, row) => ({
    rowId: `r${row}`,
    prompt: [{ role: 'user' as const, content }],
    answer: labels[row]!,
  }),
)

/** Counts the rows of sources that the encoder reads. */
async function score(job: Pick<ScorerJob, 'rows' | 'labels'>) {
  const onnx = createOnnxBackend()
  let sources = 0
  const counting: Backend = {
    ...onnx,
    async compile(graph, options) {
      const compiled = await onnx.compile(graph, options)
      if (!compiled.ok) return compiled
      const session = compiled.value
      return {
        ok: true,
        value: {
          ...session,
          run(feeds) {
            sources += feeds.get('ids')!.shape[0]!
            return session.run(feeds)
          },
          dispose: () => session.dispose(),
        },
      }
    },
  }
  const scores: RowScore[] = []
  await scoreRows(
    { ...job, modelFolder, tuned: null, workFolder: home, threads: 1, maxTokens: 128 },
    counting,
    {
      emit: async (event) => {
        if (event.kind === 'scores') scores.push(...event.rows)
      },
      signal: new AbortController().signal,
    },
  )
  return { sources, byRow: new Map(scores.map((one) => [one.rowId, one])) }
}

// The source was read once for each label: 77 labels took 77 times the encoder.
test('the source is read once for all labels, and each has the likelihood that it has alone', async () => {
  const { sources, byRow } = await score({ rows, labels })
  expect(sources).toBe(rows.length)
  for (const [at, label] of labels.entries()) {
    const alone = await score({ rows: rows.map((row) => ({ ...row, answer: label })), labels: null })
    for (const { rowId } of rows)
      expect(byRow.get(rowId)!.base.labelLogProbs![at]).toBeCloseTo(-alone.byRow.get(rowId)!.base.lossNats, 4)
  }
})
