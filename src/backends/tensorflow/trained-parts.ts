// The parts of a session's graph that fill, measure, move and read what it trains itself. Each is run by what it is fed and
// what is fetched of it; none touches the training step. Pure.
import type { ResidentOptimizer } from '#engine/backend-port.ts'
import type { OptimizerSettings } from '#engine/optim/optimizer-rule.ts'
import type { Emitter } from './emitter.ts'
import type { GraphPart, GraphParts } from './graph-parts.ts'
import {
  add,
  assign,
  divide,
  fill,
  halfSquares,
  multiply,
  pack,
  readVariable,
  sqrt,
  subtractFrom,
} from './operators.ts'
import type { Tensor } from './tensor.ts'
import type { GroupVariables, TrainedGroup } from './trained-variables.ts'

export interface LoweredTraining {
  readonly groups: readonly TrainedGroup[]
  /** By portion: numbers of the groups, what loads them and what reads them (three tensors a group). */
  readonly portions: readonly {
    readonly groups: readonly number[]
    readonly load: GraphPart
    readonly read: GraphPart
  }[]
  /** [groups]: half the sums of squares. */
  readonly squares: GraphPart
  readonly update: GraphPart
}

/** Names of what the parts are fed. */
export const fedNames = {
  gradScale: 'update: gradScale',
  rootCorrection: 'update: rootCorrection',
  decay: (rate: number) => `update: decay of ${rate}`,
  stepSize: (rate: number) => `update: step size of ${rate}`,
  load: (group: number, what: 'parameters' | 'first' | 'second') => `load: ${what} ${group}`,
}

/** Numbers of all groups that are loaded or read at once: 3 x 4 bytes for each stand twice in memory meanwhile. */
const portionNumbers = 20_000_000

/** A group moves when the one before it has: memory is that of one. */
export function emitTraining(
  emit: Emitter,
  parts: GraphParts,
  variables: readonly GroupVariables[],
  { settings }: ResidentOptimizer,
): LoweredTraining {
  const done = (nodes: readonly Tensor[]): Tensor => emit.after(emit.scalar(0), nodes)
  let step = 0
  const next = (): void => emit.enter(step++, 'trained')
  const inTurn = (
    emitOne: (held: GroupVariables, index: number) => readonly Tensor[],
    of: readonly number[],
  ) =>
    of.flatMap((index) => {
      next()
      return emitOne(variables[index]!, index)
    })
  const portions = portionsOf(variables.map(({ group }) => group)).map((groups) => ({
    groups,
    load: parts.add([done(inTurn((held, index) => emitLoad(emit, held, index), groups))]),
    read: parts.add(inTurn((held) => emitRead(emit, held), groups)),
  }))
  next()
  const squares = parts.add([emitSquares(emit, variables)])
  const moved = inTurn((held) => emitUpdate(emit, held, settings), [...variables.keys()])
  next()
  const update = parts.add([done(moved)])
  return { groups: variables.map(({ group }) => group), portions, squares, update }
}

function portionsOf(groups: readonly TrainedGroup[]): readonly (readonly number[])[] {
  const portions: number[][] = []
  let numbers = Number.POSITIVE_INFINITY
  for (const [index, { length }] of groups.entries()) {
    if (numbers + length > portionNumbers) {
      portions.push([])
      numbers = 0
    }
    portions.at(-1)!.push(index)
    numbers += length
  }
  return portions
}

/** [groups]: half the sum of squares of each group's sums. */
const emitSquares = (emit: Emitter, variables: readonly GroupVariables[]): Tensor =>
  pack(
    emit,
    variables.map(({ sums }) => halfSquares(emit, read(emit, sums))),
    0,
  )

/**
 * AdamW as optim/adamw.ts has it, in float32. The decay is taken from p together with the step: 1 - lr wd has too few
 * digits of lr wd in float32, and a decay by itself would be rounded away where it is small.
 *   p <- p - (lr wd p + lr m / (1 - b1^t) / (sqrt(v) / sqrt(1 - b2^t) + epsilon))
 */
function emitUpdate(
  emit: Emitter,
  { group, ...held }: GroupVariables,
  { beta1, beta2, epsilon }: OptimizerSettings,
): readonly Tensor[] {
  const fed = (name: string): Tensor => emit.placeholder(name, 'float32', [])
  const times = (x: Tensor, factor: number): Tensor => multiply(emit, x, emit.scalar(factor))
  const gradient = multiply(emit, read(emit, held.sums), fed(fedNames.gradScale))
  const first = add(emit, times(read(emit, held.first), beta1), times(gradient, 1 - beta1))
  const squares = multiply(emit, times(gradient, 1 - beta2), gradient)
  const second = add(emit, times(read(emit, held.second), beta2), squares)
  const root = divide(emit, sqrt(emit, second), fed(fedNames.rootCorrection))
  const step = divide(
    emit,
    multiply(emit, first, fed(fedNames.stepSize(group.rate))),
    add(emit, root, emit.scalar(epsilon)),
  )
  const decay = multiply(emit, read(emit, held.parameters), fed(fedNames.decay(group.rate)))
  return [
    subtractFrom(emit, held.parameters, add(emit, decay, step)),
    assign(emit, held.first, first),
    assign(emit, held.second, second),
    assign(emit, held.sums, zeros(emit, group.length, [gradient])),
  ]
}

function emitLoad(emit: Emitter, { group, ...held }: GroupVariables, index: number): readonly Tensor[] {
  const whats = ['parameters', 'first', 'second'] as const
  const filled = whats.map((what) =>
    assign(emit, held[what], emit.placeholder(fedNames.load(index, what), 'float32', [group.length])),
  )
  return [...filled, assign(emit, held.sums, zeros(emit, group.length, filled))]
}

/** Parameters, first and second moments. */
const emitRead = (emit: Emitter, { parameters, first, second }: GroupVariables): readonly Tensor[] =>
  [parameters, first, second].map((handle) => read(emit, handle))

const read = (emit: Emitter, handle: Tensor): Tensor => readVariable(emit, handle, 'float32')

/** Not before the others: nothing else keeps an assignment behind the reading of what it replaces. */
const zeros = (emit: Emitter, length: number, others: readonly Tensor[]): Tensor =>
  fill(emit, emit.integers([length]), emit.after(emit.scalar(0), others))
