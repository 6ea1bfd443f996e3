// The valid files that the mutator damages, small real ones where they are at hand and ours; and the damaged files that
// come of them.
import { readFileSync } from 'node:fs'
import { openFileBytes } from '#core/system/file-bytes.ts'
import { readGguf } from '#formats/gguf.ts'
import { encodeSafetensors } from '#formats/safetensors.ts'
import { unwrap } from '#shared/result.ts'
import { handwrittenGguf, numberEntry, rawEntry, sliceOfGguf, tensorInfo, textEntry } from './gguf-bytes.ts'
import { findShared, findStarterGguf } from './models.ts'
import { mutantOf, mutationsOf, scalarBytes } from './mutator.ts'
import type { WeightKind } from './weight-oracle.ts'

export interface Seed {
  readonly name: string
  readonly file: Uint8Array
}

export const weightSeeds = async (kind: WeightKind): Promise<Seed[]> =>
  kind === 'gguf' ? ggufSeeds() : safetensorsSeeds()

/** Damaged file `number` of a corpus without end: the seeds in turn, each by one kind of damage after the other. */
export const damagedFile = (kind: WeightKind, seeds: readonly Seed[], number: number): Uint8Array =>
  mutantOf(seeds[number % seeds.length]!.file, mutationsOf[kind], Math.floor(number / seeds.length))

/** A LoRA adapter written by PEFT, a model written by transformers, and a checkpoint of ours. */
function safetensorsSeeds(): Seed[] {
  const seeds: Seed[] = []
  for (const path of [
    'goldens/tiny/llama_rope_llama3/adapter/adapter_model.safetensors',
    'goldens/tiny/bert_seqcls/model.safetensors',
  ]) {
    const found = findShared(path)
    if (found) seeds.push({ name: path, file: withSmallData(new Uint8Array(readFileSync(found))) })
  }
  const own = new Map([
    ['state.step', { shape: [1], data: Int32Array.of(7) }],
    [
      'model.layers.0.self_attn.q_proj.lora_A.weight',
      { shape: [2, 8], data: new Float32Array(16).fill(0.5) },
    ],
    ['model.layers.0.self_attn.q_proj.lora_B.weight', { shape: [8, 2], data: new Float32Array(16) }],
    ['rng', { shape: [2, 2], data: BigInt64Array.of(1n, 2n, 3n, 4n) }],
    ['empty', { shape: [0], data: new Float32Array(0) }],
  ])
  seeds.push({ name: 'ours', file: encodeSafetensors(own, { format: 'pt', note: 'Grüße 😀' }) })
  return seeds
}

/** Every dimension of the header cut to at most 2, so that the data is small and the header is the real one. */
function withSmallData(file: Uint8Array): Uint8Array {
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true))
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length))) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] } | Record<string, string>
  >
  let offset = 0
  const entries = Object.entries(header).slice(0, 16)
  for (const [, entry] of entries)
    if ('data_offsets' in entry && Array.isArray(entry.shape)) {
      const shape = entry.shape.map((size) => Math.min(size, 2))
      const bytes = shape.reduce((product, size) => product * size, entry.dtype === 'I64' ? 8 : 4)
      Object.assign(entry, { shape, data_offsets: [offset, offset + bytes] })
      offset += bytes
    }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)))
  const result = new Uint8Array(8 + text.length + offset)
  new DataView(result.buffer).setBigUint64(0, BigInt(text.length), true)
  result.set(text, 8)
  return result
}

/** The starter model's own header with short lists and two of its tensors, and a handwritten file with every type. */
async function ggufSeeds(): Promise<Seed[]> {
  const seeds: Seed[] = []
  const starter = findStarterGguf()
  if (starter) {
    const source = await openFileBytes(starter)
    const gguf = unwrap(await readGguf(source))
    const tensors = ['blk.0.attn_norm.weight', 'output_norm.weight']
    seeds.push({
      name: 'starter',
      file: await sliceOfGguf(gguf, (at, length) => source.read(at, length), tensors, 24),
    })
    await source.close()
  }
  const everyType = handwrittenGguf({
    entries: [
      textEntry('general.architecture', 'llama'),
      numberEntry('general.alignment', 32),
      ...[0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12].map((type) =>
        rawEntry(`value.${type}`, type, (out) => out.zeros(scalarBytes[type]!)),
      ),
      rawEntry('tokenizer.ggml.tokens', 9, (out) => {
        out.u32(8)
        out.u64(3n)
        for (const token of ['a', 'b', 'ab']) out.text(token)
      }),
      rawEntry('floats', 9, (out) => {
        out.u32(6)
        out.u64(4n)
        out.zeros(16)
      }),
    ],
    tensors: [
      tensorInfo('a', [8, 4]),
      tensorInfo('b', [32, 2], 8, 128),
      tensorInfo('rope_freqs.weight', [2], 0, 224),
    ],
    dataBytes: 256,
  })
  seeds.push({ name: 'handwritten', file: everyType })
  return seeds
}
