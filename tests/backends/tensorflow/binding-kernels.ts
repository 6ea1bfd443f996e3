// TensorFlow's own kernels for single nodes, by the binding's executeOp.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { TFJSBinding } from '@tensorflow/tfjs-node-gpu/dist/tfjs_binding.js'
import { type DataType, dataTypes, type TfAttribute } from '#backends/tensorflow/graph-def.ts'
import { tensorflowFolder } from '../../../scripts/tensorflow-folder.ts'
import type { Attributes, NodeKernels, Numbers } from './run-nodes.ts'

/** Of TensorFlow's operators that have more than one; SplitV and Unpack have as many as they say. */
const resultCounts: Readonly<Record<string, number>> = { SparseSoftmaxCrossEntropyWithLogits: 2 }

/** A tensor is its number. The runtime must be loaded already; its tensors are there until `dispose`. */
export class BindingKernels implements NodeKernels<number> {
  readonly #library = createRequire(import.meta.url)(
    join(tensorflowFolder, 'lib/napi-v8/tfjs_binding.node'),
  ) as TFJSBinding
  readonly #shapes = new Map<number, readonly number[]>()

  create(dataType: DataType, shape: readonly number[], numbers: Numbers): number {
    const id = this.#library.createTensor([...shape], dataTypes[dataType], numbers)
    this.#shapes.set(id, shape)
    return id
  }

  execute(operator: string, attributes: Attributes, inputs: readonly number[]): readonly number[] {
    const many = attributes.num_split ?? attributes.num
    const count = many?.kind === 'integer' ? many.value : (resultCounts[operator] ?? 1)
    const given = Object.entries(attributes).map(([name, each]) => ({ name, ...this.#attribute(each) }))
    return this.#library.executeOp(operator, given, [...inputs], count).map(({ id, shape }) => {
      this.#shapes.set(id, shape)
      return id
    })
  }

  numbersOf(tensor: number): Numbers {
    return this.#library.tensorDataSync(tensor) as Numbers
  }

  shapeOf(tensor: number): readonly number[] {
    return this.#shapes.get(tensor)!
  }

  dispose(): void {
    for (const id of this.#shapes.keys()) this.#library.deleteTensor(id)
    this.#shapes.clear()
  }

  #attribute(attribute: TfAttribute) {
    const { TF_ATTR_BOOL, TF_ATTR_INT, TF_ATTR_STRING, TF_ATTR_TYPE } = this.#library
    switch (attribute.kind) {
      case 'type':
        return { type: TF_ATTR_TYPE, value: dataTypes[attribute.value] }
      case 'integer':
        return { type: TF_ATTR_INT, value: attribute.value }
      case 'integers':
        return { type: TF_ATTR_INT, value: [...attribute.value] }
      case 'boolean':
        return { type: TF_ATTR_BOOL, value: attribute.value }
      case 'text':
        return { type: TF_ATTR_STRING, value: attribute.value }
      default:
        throw new Error(`The binding takes no attribute of the kind ${attribute.kind} here.`)
    }
  }
}
