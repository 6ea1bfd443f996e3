// The operator Loop: a body that runs a number of times known only when the graph runs, handing values on from one
// time to the next. Knows nothing of what the body computes.
import type { Dim } from '#engine/ir/types.ts'
import type { Emitter } from './emitter.ts'
import type { OnnxPort } from './model-proto.ts'

/** What one time of the body hands to the next: a tensor whose symbolic sizes may change, or a sequence of tensors. */
export interface Carried {
  readonly initial: string
  readonly hint: string
  readonly dims: readonly Dim[]
  readonly isSequence: boolean
}

/**
 * `body` is given the number of the iteration (an int64 scalar) and what is carried, and returns the next of each.
 * Returns what is carried in the end.
 */
export function emitLoop(
  emit: Emitter,
  times: string,
  carried: readonly Carried[],
  body: (iteration: string, names: readonly string[]) => readonly string[],
): readonly string[] {
  const port = ({ dims, isSequence }: Carried, name: string): OnnxPort => ({
    name,
    elementType: 'float32',
    dims,
    isSequence,
  })
  const iteration: OnnxPort = { name: emit.fresh('iteration'), elementType: 'int64', dims: [] }
  const goesOn: OnnxPort = { name: emit.fresh('goes on'), elementType: 'bool', dims: [] }
  const given = carried.map((item) => port(item, emit.fresh(item.hint)))
  const value = emit.body([iteration, goesOn, ...given], () => {
    const next = body(
      iteration.name,
      given.map(({ name }) => name),
    )
    const always = { ...goesOn, name: emit.node('Identity', [goesOn.name]) }
    return [always, ...next.map((name, index) => port(carried[index]!, name))]
  })
  const outputs = carried.map(({ hint }) => emit.fresh(`last ${hint}`))
  emit.node('Loop', [times, '', ...carried.map(({ initial }) => initial)], {
    attributes: { body: { kind: 'graph', value } },
    outputs,
  })
  return outputs
}
