// Texts to vectors with all-MiniLM-L6-v2: ours beside transformers on the same tokens, turn by turn. Prints tokens a second,
// the ratio, and the largest difference between the two. Asserts nothing.
// usage: node bench/embeddings.ts [--rows N] [--turns N] [--threads N]
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { createOnnxBackend } from '#backends/onnx/index.ts'
import type { Backend } from '#engine/index.ts'
import { embedTexts } from '#processes/embedder/embed-texts.ts'
import { readTextSide } from '#processes/scorer/model-folder.ts'
import { findShared, findTestModel } from '../tests/support/models.ts'
import { askPeer, findPeer } from './peer/peer.ts'

const maxTokens = 256

interface Measured {
  /** Computing alone: the model is open, and texts are tokens. */
  readonly seconds: number
  /** Of all cores together: what a busy machine falsifies least. */
  readonly processorSeconds: number
  readonly vectors: readonly (readonly number[])[]
}

async function measureOurs(
  modelFolder: string,
  texts: readonly string[],
  threads: number,
): Promise<Measured> {
  const backend = createOnnxBackend()
  let startMs = 0
  let endMs = 0
  let start = process.cpuUsage()
  let used = start
  const timed: Backend = {
    ...backend,
    async compile(graph, options) {
      const session = await backend.compile(graph, options)
      startMs = performance.now()
      start = process.cpuUsage()
      return session
    },
  }
  const vectors: number[][] = []
  const workFolder = mkdtempSync(join(tmpdir(), 'tunewright-embeddings-'))
  try {
    const job = { modelFolder, workFolder, threads, maxTokens, pooling: 'mean' as const, texts: [...texts] }
    await embedTexts(job, timed, {
      signal: new AbortController().signal,
      emit: async (event) => {
        if (event.kind !== 'vectors') return
        const width = event.vectors.length / event.indices.length
        for (const [at, index] of event.indices.entries())
          vectors[index] = [...event.vectors.slice(at * width, (at + 1) * width)]
        endMs = performance.now()
        used = process.cpuUsage(start)
      },
    })
  } finally {
    rmSync(workFolder, { recursive: true, force: true })
  }
  const processorSeconds = (used.user + used.system) / 1e6
  return { seconds: (endMs - startMs) / 1000, processorSeconds, vectors }
}

const furthest = (a: Measured, b: Measured): number =>
  a.vectors
    .flatMap((vector, row) => vector.map((value, c) => Math.abs(value - b.vectors[row]![c]!)))
    .reduce((most, difference) => Math.max(most, difference), 0)

const timeKinds = ['seconds', 'processorSeconds'] as const
type TimeKind = (typeof timeKinds)[number]

const best = (turns: readonly Measured[], kind: TimeKind): number =>
  Math.min(...turns.map((turn) => turn[kind]))

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rows: { type: 'string', default: '300' },
      turns: { type: 'string', default: '3' },
      threads: { type: 'string', default: String(Math.min(availableParallelism(), 8)) },
    },
  })
  const model = findTestModel('sentence_bert_config.json')
  const data = findShared('realdata/classification_spam.jsonl')
  if (!model || !data) return
  const folder = dirname(model)
  const texts = readFileSync(data, 'utf8')
    .split('\n')
    .slice(0, Number(values.rows))
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line).text as string]))
  const { tokenizer } = await readTextSide(folder)
  const end = tokenizer.tokenId('[SEP]')!
  const ids = texts.map((text) => {
    const whole = tokenizer.encode(text, { addSpecialTokens: true })
    return whole.length <= maxTokens ? whole : [...whole.slice(0, maxTokens - 1), end]
  })
  const tokens = ids.reduce((sum, row) => sum + row.length, 0)
  const threads = Number(values.threads)
  const peer = await findPeer()
  const idsFile = join(mkdtempSync(join(tmpdir(), 'tunewright-embeddings-')), 'ids.json')
  writeFileSync(idsFile, JSON.stringify(ids))
  const ours: Measured[] = []
  const theirs: Measured[] = []
  for (let turn = 0; turn < Number(values.turns); turn += 1) {
    ours.push(await measureOurs(folder, texts, threads))
    if (peer) theirs.push(await askPeer<Measured>(peer, 'embeddings', { folder, idsFile, threads }))
  }
  rmSync(dirname(idsFile), { recursive: true })
  console.log(`${texts.length} rows, ${tokens} tokens, ${threads} threads, the best of ${ours.length} turns.`)
  for (const kind of timeKinds) {
    const say = (name: string, turns: readonly Measured[]): void =>
      console.log(
        `${name}: ${best(turns, kind).toFixed(2)} ${kind === 'seconds' ? 's' : 's of processor time'}, ${Math.round(tokens / best(turns, kind))} tokens a second`,
      )
    say('Tunewright', ours)
    if (!peer) continue
    say('transformers', theirs)
    console.log(`Tunewright is ${(best(theirs, kind) / best(ours, kind)).toFixed(2)} times as fast.`)
  }
  if (peer)
    console.log(`${peer.versions}; largest difference ${furthest(ours[0]!, theirs[0]!).toExponential(1)}`)
}

await main()
