// Declares every weight of model and method in a graph, and wraps linears as the method wants.
import type { GraphBuilder } from '../ir/graph-builder.ts'
import type { Value } from '../ir/types.ts'
import type { LinearDescription, ModelConfig, Task } from '../models/config.ts'
import type { BoundWeights } from '../models/forward.ts'
import { adapterName, adapterScale, type LoraMethod, type MethodSpec, methodShapes } from './methods.ts'

type Weight = BoundWeights['weight']

interface Linear {
  readonly weight: Value
  readonly bias: Value | null
  readonly description: LinearDescription
  /** Names of its values in the graph begin so. */
  readonly name: string
}

/** x W^T (+ addend), W being kept as [O,I] or, input first, as [I,O]. */
function multiply(
  builder: GraphBuilder,
  linear: Linear,
  x: Value,
  addend: Value | null,
  name: string,
): Value {
  const kind = linear.description.isInputFirst ? 'linearInputBackward' : 'linear'
  return builder.add(kind, [x, linear.weight, addend], { scale: 1 }, name)[0]
}

/** x W^T + bias + addend */
function projectPlainly(builder: GraphBuilder, linear: Linear, x: Value, addend: Value | null, name: string) {
  const { bias } = linear
  const y = multiply(builder, linear, x, bias ?? addend, name)
  return bias && addend ? builder.add('add', [y, addend], {}, `${name}.sum`)[0] : y
}

interface Adapted extends Linear {
  readonly a: Value
  readonly b: Value
  readonly scale: number
}

/** s (x A^T) B^T + addend, and the bottleneck x A^T [...,r] */
function addAdapter(
  builder: GraphBuilder,
  { a, b, scale, name }: Adapted,
  x: Value,
  addend: Value,
  last: string,
): { readonly y: Value; readonly bottleneck: Value } {
  const [bottleneck] = builder.add('linear', [x, a, null], { scale: 1 }, `${name}.lora`)
  return { y: builder.add('linear', [bottleneck, b, addend], { scale }, last)[0], bottleneck }
}

/** y [...,O] + bias [O], as the product of a column of ones with the bias: no op adds a vector alone. `like` [...,r] */
function addBias(builder: GraphBuilder, y: Value, bias: Value, like: Value, name: string): Value {
  const width = Number(like.shape.at(-1))
  const first =
    width === 1 ? like : builder.add('slices', [like], { widths: [1, width - 1] }, `${name}.one`)[0]
  const [ones] = builder.add('ones', [first], {}, `${name}.ones`)
  const [column] = builder.add('splitLast', [bias], { parts: Number(bias.shape[0]) }, `${name}.bias`)
  return builder.add('linear', [ones, column, y], { scale: 1 }, `${name}.biased`)[0]
}

/**
 * DoRA: (m / |W + s B A|) * (x W^T + s (x A^T) B^T) + bias + addend, |..| the norm of each row, a constant for the
 * gradient (Liu et al. 2024, section 4.3).
 */
function projectDecomposed(
  builder: GraphBuilder,
  linear: Adapted & { readonly magnitude: Value },
  x: Value,
  addend: Value | null,
): Value {
  const { name, weight, a, b, scale, bias, magnitude, description } = linear
  const { isInputFirst } = description
  const base = multiply(builder, linear, x, null, `${name}.base`)
  const { y: direction, bottleneck } = addAdapter(builder, linear, x, base, `${name}.direction`)
  const [norms] = builder.add('adaptedRowNorms', [weight, a, b], { scale, isInputFirst }, `${name}.norms`)
  const [factors] = builder.add('divideByConstants', [magnitude, norms], {}, `${name}.factors`)
  let [y] = builder.add('multiplyColumns', [direction, factors], {}, name)
  if (bias) y = addBias(builder, y, bias, bottleneck, name)
  return addend ? builder.add('add', [y, addend], {}, `${name}.sum`)[0] : y
}

function projectAdapted(
  builder: GraphBuilder,
  weight: Weight,
  method: LoraMethod,
  linear: Linear,
  x: Value,
  addend: Value | null,
): Value {
  const { name, description } = linear
  const part = (which: Parameters<typeof adapterName>[1]): Value =>
    weight(adapterName(description.path, which))
  const adapted: Adapted = { ...linear, a: part('A'), b: part('B'), scale: adapterScale(method) }
  if (method.decomposed)
    return projectDecomposed(builder, { ...adapted, magnitude: part('magnitude') }, x, addend)
  const base = projectPlainly(builder, linear, x, addend, `${name}.base`)
  return addAdapter(builder, adapted, x, base, name).y
}

/** Trained weights are declared at once, in their order; frozen ones when something asks for them. */
export function bindWeights(
  builder: GraphBuilder,
  config: ModelConfig,
  method: MethodSpec,
  task: Task,
): BoundWeights {
  const values = new Map<string, Value>()
  const frozen = new Map<string, readonly number[]>()
  const { model, adapter } = methodShapes(config, method, task)
  for (const { name, shape, isTrained } of model)
    if (isTrained) values.set(name, builder.parameter(name, shape, true))
    else frozen.set(name, shape)
  for (const { name, shape } of adapter) values.set(name, builder.parameter(name, shape, true))
  const weight: Weight = (name) => {
    const known = values.get(name)
    if (known) return known
    const shape = frozen.get(name)
    if (!shape) throw new Error(`the model has no weight ${name}`)
    const value = builder.parameter(name, shape, false)
    values.set(name, value)
    return value
  }
  return {
    weight,
    project(description, x, addend) {
      const { path, hasBias } = description
      const linear: Linear = {
        description,
        weight: weight(`${path}.weight`),
        bias: hasBias ? weight(`${path}.bias`) : null,
        name: path,
      }
      return method.kind === 'lora' && values.has(adapterName(path, 'A'))
        ? projectAdapted(builder, weight, method, linear, x, addend)
        : projectPlainly(builder, linear, x, addend, linear.name)
    },
  }
}
