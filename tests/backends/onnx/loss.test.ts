// The one [L,V] buffer of a loss: factors that its gradient's rows owe are paid by narrower products, and only there.
import { describe, expect, test } from 'vitest'
import { lowerGraph } from '#backends/onnx/lower.ts'
import { createOnnxBackend } from '#backends/onnx/session.ts'
import type { Backend, Tensor } from '#engine/backend-port.ts'
import type { Value } from '#engine/ir/types.ts'
import { createReferenceBackend } from '#engine/reference/reference-backend.ts'
import { unwrap } from '#shared/result.ts'
import { worstDifference } from '../../conformance/compare.ts'
import {
  type CaseBuilder,
  type OpCase,
  opCase,
  vocabulary,
  width,
} from '../../conformance/op-cases/case-builder.ts'

/** Logits capped and scaled before the loss, as Gemma 2 and Granite do, and what their head's weights get. */
function headCase(variant: string, readers: (c: CaseBuilder, dLogits: Value, x: Value) => Value[]): OpCase {
  return opCase('softmaxCrossEntropy', variant, (c) => {
    const x = c.float('x', ['L', width])
    const raw = c.float('logits', ['L', vocabulary], (random) => 9 * random)
    const [scaled] = c.builder.add('scale', [raw], { factor: 0.7 })
    const [capped] = c.builder.add('softCap', [scaled], { cap: 5 })
    const targets = c.whole('targets', ['L'], vocabulary)
    const weights = c.float('weights', ['L'], (random) => random + 1.5)
    const [losses, dCapped] = c.builder.add('softmaxCrossEntropy', [capped, targets, weights], {
      smoothing: 0.1,
    })
    const [dScaled] = c.builder.add('softCapBackward', [dCapped, capped], { cap: 5 })
    const [dLogits] = c.builder.add('scale', [dScaled], { factor: 0.7 })
    return [losses, ...readers(c, dLogits, x)]
  })
}

const products = headCase('through caps and scales', (c, dLogits, x) => {
  const table = c.float('table', [vocabulary, width])
  const bias = c.float('bias', [width])
  return [
    c.builder.add('linearInputBackward', [dLogits, table, null], { scale: 1 })[0],
    c.builder.add('linearInputBackward', [dLogits, table, bias], { scale: 2 })[0],
    c.builder.add('linearWeightBackward', [dLogits, x], { scale: 3 })[0],
    c.builder.add('linearWeightBackward', [x, dLogits], { scale: 4 })[0],
  ]
})

const returned = headCase('with its gradient returned too', (c, dLogits, x) => [
  dLogits,
  c.builder.add('linearWeightBackward', [dLogits, x], { scale: 3 })[0],
])

async function run(backend: Backend, { graph, feeds }: OpCase): Promise<ReadonlyMap<string, Tensor>> {
  const session = unwrap(await backend.compile(graph, { threads: 2, weights: new Map(), workFolder: '' }))
  const results = structuredClone(await session.run(feeds))
  await session.dispose()
  return results
}

/** Nodes that read a tensor of [L,V] and a factor for each row. */
const payments = ({ graph }: OpCase): number => {
  const { nodes } = lowerGraph(graph, new Map())
  const factors = nodes.find(({ operator, inputs }) => operator === 'Div' && inputs[0]?.startsWith('Reshape'))
  return nodes.filter(({ operator, inputs }) => operator === 'Mul' && inputs.includes(factors!.outputs[0]!))
    .length
}

describe('the factors of rows', () => {
  test.each([products, returned])('$name', async (head) => {
    const expected = await run(createReferenceBackend({ precision: 'float64' }), head)
    const worst = worstDifference(expected, await run(createOnnxBackend(), head))
    expect(worst.relative, JSON.stringify(worst)).toBeLessThan(1e-5)
  })

  test('are paid once by each product, or once for all where somebody else reads the gradient', () => {
    expect(payments(products)).toBe(4)
    expect(payments(returned)).toBe(1)
  })
})
