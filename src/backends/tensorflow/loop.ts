// A loop in a TensorFlow graph: a body that runs a number of times known only when the graph runs, one time after the
// other, handing values on. Made of the operators of control flow, so that a body reads what lies around it by name.
import type { Emitter } from './emitter.ts'
import { integer, type } from './graph-def.ts'
import { add, less } from './operators.ts'
import type { Frame, Tensor } from './tensor.ts'

/**
 * `body` is given the number of the iteration (an int32 scalar) and what is carried, and returns the next of each.
 * Returns what is carried in the end.
 */
export function emitLoop(
  emit: Emitter,
  times: Tensor,
  initial: readonly Tensor[],
  body: (iteration: Tensor, carried: readonly Tensor[]) => readonly Tensor[],
): readonly Tensor[] {
  const [, ...last] = emit.inNewFrame((frame) => {
    const all = [emit.integer(0), ...initial].map((tensor) => merged(emit, frame, tensor))
    const goesOn = emit.node('LoopCond', [less(emit, all[0]!.value, times)], {}, ['bool'])[0]!
    const switched = all.map(({ value }) => {
      const { dataType } = value
      return emit.node('Switch', [value, goesOn], { T: type(dataType) }, [dataType, dataType])
    })
    const [iteration, ...carried] = switched.map(([, inBody]) => inBody!)
    const next = [add(emit, iteration!, emit.integer(1)), ...body(iteration!, carried)]
    for (const [index, { nextName }] of all.entries()) emit.namedNode(nextName, 'NextIteration', next[index]!)
    return switched.map(([atEnd]) => emit.exitFrame(atEnd!))
  })
  return last
}

/** The first value, or what the time before handed on. */
function merged(emit: Emitter, frame: Frame, initial: Tensor) {
  const { dataType } = initial
  const nextName = emit.fresh('NextIteration')
  const inputs = [emit.enterFrame(frame, initial, false), { name: nextName, dataType, frame }]
  const [value] = emit.node('Merge', inputs, { T: type(dataType), N: integer(2) }, [dataType, 'int32'])
  return { value: value!, nextName }
}
