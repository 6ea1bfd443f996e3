// What sharing the prompt among labels saves: 150 rows x 7 labels with the starter model, packed and naively, in one
// process. Prints seconds, rows a second, the ratio, and the largest difference between the two. Asserts nothing.
// usage: node bench/label-likelihood.ts MODEL.gguf|MODEL_FOLDER [rows] [threads] [--json FILE]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createOnnxBackend } from '#backends/onnx/index.ts'
import { importModel } from '#core/models/import-model.ts'
import { openLibrary } from '#core/system/library.ts'
import { counterRandom } from '#engine/index.ts'
import { scoreRows } from '#processes/scorer/score-rows.ts'
import type { RowScore, ScorerJob } from '#shared/proof-protocol.ts'
import { unwrap } from '#shared/result.ts'

const labels = ['billing', 'technical problem', 'account', 'shipping', 'refund', 'praise', 'other']
const words =
  'my order parcel invoice account password app screen is was not has been twice today yesterday please help late wrong broken charged thank you when can I change send back money again still'.split(
    ' ',
  )
/** The Python stack needed this long for 150 rows x 7 labels on this kind of machine (naively, transformers, float32). */
const pythonSeconds = 115

type Row = ScorerJob['rows'][number]

function makeRows(count: number): Row[] {
  const random = counterRandom(11, 'bench rows')
  const instruction = `Decide which label fits the text. Answer with exactly one of these labels and nothing else: ${labels.join(', ')}.`
  return Array.from({ length: count }, (_, row) => {
    const length = 8 + Math.floor(random(row * 100) * 30)
    const text = Array.from(
      { length },
      (_, word) => words[Math.floor(random(row * 100 + 1 + word) * words.length)],
    ).join(' ')
    return {
      rowId: `${row}`,
      prompt: [
        { role: 'system', content: instruction },
        { role: 'user', content: text },
      ],
      answer: labels[row % labels.length]!,
    }
  })
}

/** Seconds from the first batch to the last (loading and tokenising left out), and the scores. */
async function measure(job: Omit<ScorerJob, 'tuned' | 'workFolder' | 'maxTokens'>, workFolder: string) {
  const scores = new Map<string, RowScore>()
  let startMs = 0
  let endMs = 0
  const whole: ScorerJob = { ...job, tuned: null, workFolder, maxTokens: 1024 }
  await scoreRows(whole, createOnnxBackend(), {
    signal: new AbortController().signal,
    emit: async (event) => {
      if (event.kind === 'phase' && event.phase === 'working') startMs = performance.now()
      if (event.kind !== 'scores') return
      for (const row of event.rows) scores.set(row.rowId, row)
      endMs = performance.now()
    },
  })
  return { seconds: (endMs - startMs) / 1000, scores }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ options: { json: { type: 'string' } }, allowPositionals: true })
  const [path, rowCount = '150', threadCount = '2'] = positionals
  if (!path)
    throw new Error('usage: node bench/label-likelihood.ts MODEL.gguf|FOLDER [rows] [threads] [--json FILE]')
  const home = mkdtempSync(join(tmpdir(), 'tunewright-bench-'))
  try {
    const library = openLibrary(home)
    const { id } = unwrap(await importModel(library, path))
    const modelFolder = join(library.modelsFolder, id)
    const rows = makeRows(Number(rowCount))
    const threads = Number(threadCount)
    const packed = await measure({ modelFolder, threads, rows, labels }, home)
    const separate = rows.flatMap((row) =>
      labels.map((answer, label) => ({ ...row, rowId: `${row.rowId}/${label}`, answer })),
    )
    const naive = await measure({ modelFolder, threads, rows: separate, labels: null }, home)
    let worst = 0
    for (const row of rows)
      for (const label of labels.keys()) {
        const shared = packed.scores.get(row.rowId)!.base.labelLogProbs![label]!
        const alone = -naive.scores.get(`${row.rowId}/${label}`)!.base.lossNats
        worst = Math.max(worst, Math.abs(shared - alone))
      }
    const figures = {
      rows: rows.length,
      labels: labels.length,
      threads,
      packedSeconds: packed.seconds,
      naiveSeconds: naive.seconds,
      ratio: naive.seconds / packed.seconds,
      pythonSecondsFor150Rows: pythonSeconds,
      ratioToPython: (pythonSeconds * rows.length) / 150 / packed.seconds,
      largestDifferenceNats: worst,
    }
    console.log(figures)
    console.log('The machines are noisy: compare ratios of one run, not seconds of two.')
    if (values.json) writeFileSync(values.json, JSON.stringify(figures, null, 2))
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

await main()
