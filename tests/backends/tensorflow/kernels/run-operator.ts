// One operator of ours, computed by TensorFlow for a test, by the binding's executeOp: what it is given, and its results as
// float32 numbers. A process has one number of threads, that of its first operator.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { TFJSBinding } from '@tensorflow/tfjs-node-gpu/dist/tfjs_binding.js'
import { tensorflowEnvironment } from '#backends/tensorflow/environment.ts'
import { type DataType, dataTypes, type TfAttribute } from '#backends/tensorflow/graph-def.ts'
import { findKernels } from '#core/engines/tensorflow-kernels.ts'
import { tensorflowFolder } from '../../../../scripts/tensorflow-folder.ts'

const bindingFile = join(tensorflowFolder, 'lib/napi-v8/tfjs_binding.node')

/** False, with a notice, where TensorFlow or our operators are not here, unless TUNEWRIGHT_REQUIRE names TensorFlow. */
export function hasOperators(): boolean {
  if (existsSync(bindingFile) && findKernels() !== null) return true
  const notice = `Skipped: TensorFlow is not in ${tensorflowFolder}, or our operators are not built. Both come by: npx node scripts/fetch-tensorflow.ts`
  if (process.env.TUNEWRIGHT_REQUIRE?.includes('tensorflow')) throw new Error(notice)
  console.info(notice)
  return false
}

let loaded: TFJSBinding | null = null

export function load(threads: number): TFJSBinding {
  if (loaded) return loaded
  Object.assign(process.env, tensorflowEnvironment(threads, 'processor'))
  const require = createRequire(import.meta.url)
  loaded = require(bindingFile) as TFJSBinding
  require(findKernels()!)
  return loaded
}

export interface Given {
  readonly shape: readonly number[]
  readonly data: Float32Array | Int32Array
  /** Handed over as bfloat16. */
  readonly isHalf?: boolean
}
export type Attributes = Readonly<Record<string, TfAttribute>>

/** `results`: how many it has. Throws what the operator says of wrong input. */
export function runOperator(
  name: string,
  inputs: readonly Given[],
  attributes: Attributes,
  results: number,
  threads = 2,
): readonly Float32Array[] {
  const library = load(threads)
  const held: number[] = []
  const hold = (id: number): number => {
    held.push(id)
    return id
  }
  try {
    const ids = inputs.map(({ shape, data, isHalf }) => {
      const type = dataTypes[data instanceof Float32Array ? 'float32' : 'int32']
      const id = hold(library.createTensor([...shape], type, data))
      return isHalf ? hold(cast(library, id, 'float32', 'bfloat16')) : id
    })
    const given = Object.entries(attributes).map(([each, value]) => ({ name: each, ...attributeOf(value) }))
    const made = library.executeOp(name, given, ids, results)
    for (const { id } of made) hold(id)
    return made.map(({ id, dtype }) => {
      const full = dtype === dataTypes.bfloat16 ? hold(cast(library, id, 'bfloat16', 'float32')) : id
      return Float32Array.from(library.tensorDataSync(full) as Float32Array)
    })
  } finally {
    for (const id of held) library.deleteTensor(id)
  }
}

function cast(library: TFJSBinding, id: number, from: DataType, to: DataType): number {
  const types = { SrcT: dataTypes[from], DstT: dataTypes[to] }
  const given = Object.entries(types).map(([name, value]) => ({ name, type: library.TF_ATTR_TYPE, value }))
  return library.executeOp('Cast', given, [id], 1)[0]!.id
}

function attributeOf(attribute: TfAttribute): { type: number; value: number | boolean | number[] } {
  const { TF_ATTR_BOOL, TF_ATTR_FLOAT, TF_ATTR_INT, TF_ATTR_TYPE } = loaded!
  switch (attribute.kind) {
    case 'integer':
      return { type: TF_ATTR_INT, value: attribute.value }
    case 'boolean':
      return { type: TF_ATTR_BOOL, value: attribute.value }
    case 'float':
      return { type: TF_ATTR_FLOAT, value: attribute.value }
    case 'floats':
      return { type: TF_ATTR_FLOAT, value: [...attribute.value] }
    case 'type':
      return { type: TF_ATTR_TYPE, value: dataTypes[attribute.value] }
    default:
      throw new Error(`No attribute of the kind ${attribute.kind} is handed to an operator here.`)
  }
}
