// What the scorer is held to: every label by itself, by a plain causal pass over the whole conversation on the reference
// backend in float64, and log-softmax by hand.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readModelConfig } from '#core/models/model-json.ts'
import { type Backend, buildLogitsGraph, type MethodSpec, type Tensor } from '#engine/index.ts'
import { createReferenceBackend } from '#engine/reference/reference-backend.ts'
import { locateWeights, readTextSide } from '#processes/scorer/model-folder.ts'
import type { ScorerJob } from '#shared/proof-protocol.ts'
import { unwrap } from '#shared/result.ts'

/** The reference interpreter reads no files: its weights are brought into memory first. */
export function inMemory(): Backend {
  const reference = createReferenceBackend({ precision: 'float64' })
  return {
    ...reference,
    async compile(graph, options) {
      const weights = new Map(options.weights)
      for (const [name, location] of options.weights) {
        if (location.kind !== 'file') continue
        const bytes = readFileSync(join(location.folder, location.file))
        const data = new Float32Array(
          bytes.buffer.slice(
            bytes.byteOffset + location.offsetBytes,
            bytes.byteOffset + location.offsetBytes + location.lengthBytes,
          ),
        )
        weights.set(name, { kind: 'memory', tensor: { dtype: 'float32', shape: location.shape, data } })
      }
      return reference.compile(graph, { ...options, weights })
    },
  }
}

interface Asked extends Pick<ScorerJob, 'modelFolder' | 'rows'> {
  readonly labels: readonly string[]
}

/** log P(label | prompt) in nats of every label, by row. */
export async function scoreAlone(
  { modelFolder, rows, labels }: Asked,
  method: MethodSpec = { kind: 'none' },
  parameters: ReadonlyMap<string, Tensor> = new Map(),
): Promise<Map<string, number[]>> {
  const text = await readTextSide(modelFolder)
  const config = await readModelConfig(modelFolder)
  const built = buildLogitsGraph(config, method)
  const weights = await locateWeights(modelFolder, config, built, 256)
  const session = unwrap(await inMemory().compile(built.graph, { threads: 1, weights, workFolder: '' }))
  const found = new Map<string, number[]>()
  for (const row of rows) {
    const sums: number[] = []
    for (const label of labels) {
      const encoded = unwrap(text.encodeExample(row.prompt, label))
      const size = encoded.ids.length
      const whole = (data: BigInt64Array, shape: number[]): Tensor => ({ dtype: 'int64', shape, data })
      const counting = BigInt64Array.from({ length: size }, (_, t) => BigInt(t))
      const outputs = await session.run(
        new Map([
          ['ids', whole(BigInt64Array.from([...encoded.ids].map(BigInt)), [1, size])],
          ['positions', whole(counting, [1, size])],
          ['rows', whole(counting, [size])],
          ...parameters,
        ]),
      )
      const logits = outputs.get('logits')!.data as Float32Array
      let sum = 0
      for (let t = 1; t < size; t += 1) {
        if (encoded.labels[t] === -100) continue
        const line = logits.subarray((t - 1) * config.vocabulary, t * config.vocabulary)
        const total = line.reduce((all, value) => all + Math.exp(value), 0)
        sum += line[encoded.ids[t]!]! - Math.log(total)
      }
      sums.push(sum)
    }
    found.set(row.rowId, sums)
  }
  return found
}
