// Checks what is fed to a graph and binds its symbols. Pure. A wrong feed is a bug of the caller and throws.
import type { Tensor } from '#engine/backend-port.ts'
import type { Dim, Graph, Value } from '#engine/ir/types.ts'

export type Sizes = ReadonlyMap<string, number>

/**
 * Sizes of the symbols in `values` as the tensors have them, on top of those `known`. Throws where a tensor is absent
 * or does not fit.
 */
export function bindSizes(
  values: readonly Value[],
  known: Sizes,
  tensors: ReadonlyMap<string, Tensor>,
): Sizes {
  const sizes = new Map(known)
  for (const value of values) {
    const tensor = tensors.get(value.name)
    if (!tensor) throw new Error(`Feed ${value.name} is missing.`)
    bindShape(value, tensor, sizes)
  }
  return sizes
}

function bindShape(value: Value, tensor: Tensor, sizes: Map<string, number>): void {
  const complain = (): never => {
    const expected = value.shape.map(
      (dim) => `${dim}${sizes.has(String(dim)) ? `=${sizes.get(String(dim))}` : ''}`,
    )
    throw new Error(
      `Feed ${value.name} is ${tensor.dtype}[${tensor.shape.join()}] with ${tensor.data.length} elements, ` +
        `expected ${value.dtype}[${expected.join()}].`,
    )
  }
  if (tensor.dtype !== value.dtype || tensor.shape.length !== value.shape.length) complain()
  for (const [axis, dim] of value.shape.entries()) {
    const size = tensor.shape[axis]!
    const known = typeof dim === 'number' ? dim : sizes.get(dim)
    if (known !== undefined && known !== size) complain()
    if (typeof dim === 'string') sizes.set(dim, size)
  }
  if (tensor.data.length !== tensor.shape.reduce((product, size) => product * size, 1)) complain()
}

/** ONNX Runtime reads rows of the rotary tables without looking whether they exist. Throws where one does not. */
export function checkPositions(graph: Graph, sizes: Sizes, feeds: ReadonlyMap<string, Tensor>): void {
  const checked = new Set<string>()
  for (const node of graph.nodes) {
    if (node.kind !== 'rope') continue
    const [, { name }, cos] = node.inputs
    const tensor = feeds.get(name)
    if (!tensor || checked.has(name)) continue
    checked.add(name)
    const limit = sizeOf(cos.shape[0]!, sizes)
    for (const position of tensor.data)
      if (position < 0 || position >= limit)
        throw new Error(`Feed ${name} holds ${position}; the model knows positions 0 to ${limit - 1}.`)
  }
}

function sizeOf(dim: Dim, sizes: Sizes): number {
  const size = typeof dim === 'number' ? dim : sizes.get(dim)
  if (size === undefined) throw new Error(`No feed has the dimension ${dim}.`)
  return size
}
