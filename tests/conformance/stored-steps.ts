// Training steps of a tiny Llama whose weights lie in a file: in 4 and 8 bits with the embedding in int8, or in half
// precision, as a person's model has them.
import type { WeightLocation } from '#engine/index.ts'
import { tinyLora } from '../engine/support/tiny-methods.ts'
import { type Scheme, schemes, WeightFile } from './quantised-file.ts'
import type { leftOut } from './tfjs-cpu/left-out.ts'
import { type TinyTraining, tinyTraining } from './tiny-training.ts'

/** What some backends cannot be asked for, by the names that TensorFlow.js's list has. */
export type StoredKind = Extract<keyof typeof leftOut, `weights in ${string}`>
export type StoredForm = Scheme | 'bfloat16'

const kindOf = (form: StoredForm): StoredKind =>
  form === 'bfloat16' ? 'weights in files' : 'weights in 4 and 8 bits'

/** The forms that a backend which cannot do `leftOut` is asked for. */
export const askedForms = (leftOut: readonly StoredKind[]): readonly StoredForm[] =>
  [...schemes, 'bfloat16' as const].filter((form) => !leftOut.includes(kindOf(form)))

export interface StoredStep extends TinyTraining {
  /** The frozen weights as they lie in the file; `weights` are the values that these stand for. */
  readonly stored: ReadonlyMap<string, WeightLocation>
}

/** Rows of whole blocks, and of whole 64 bytes in 4 bits. */
const wide = {
  hidden_size: 64,
  intermediate_size: 128,
  head_dim: 16,
  vocab_size: 64,
  attention_bias: true,
  tie_word_embeddings: true,
}

/** A step with checkpointing, its weights written into `folder`; in few bits norms and biases stay in memory. */
export async function storeStep(
  folder: string,
  form: StoredForm,
  { decomposed = false }: { readonly decomposed?: boolean } = {},
): Promise<StoredStep> {
  const step = tinyTraining({ ...tinyLora, decomposed }, 2, true, wide)
  const file = new WeightFile(folder)
  const weights = new Map(step.weights)
  const stored = new Map<string, WeightLocation>(step.weights)
  for (const [name, { tensor }] of step.weights) {
    const original = tensor.data as Float32Array
    const isMatrix = tensor.shape.length === 2 && name.endsWith('.weight')
    if (form !== 'bfloat16' && !isMatrix) continue
    const { location, values } =
      form === 'bfloat16'
        ? file.addBfloat16(tensor.shape, original)
        : file.add(name.includes('embed') ? 'int8' : form, tensor.shape, original)
    stored.set(name, location)
    weights.set(name, { kind: 'memory', tensor: { ...tensor, dtype: 'float32', data: values } })
  }
  await file.write()
  return { ...step, name: `${step.name}, weights in ${form}`, weights, stored }
}
