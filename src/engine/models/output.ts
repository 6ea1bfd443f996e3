// From states of single positions to logits: the output projection of a language model, or the head of a task.
// Legend: L rows, C hidden, V vocabulary or classes.
import type { Value } from '../ir/types.ts'
import type { HeadStep, Task } from './config.ts'
import type { ForwardContext } from './forward.ts'
import { headSteps } from './shapes.ts'

type Part = Pick<ForwardContext, 'builder' | 'config' | 'weights'>

function addHeadStep({ builder, weights }: Part, step: HeadStep, x: Value, name: string): Value {
  const bias = step.hasBias ? weights.weight(`${step.path}.bias`) : null
  const [y] = builder.add('linear', [x, weights.weight(`${step.path}.weight`), bias], { scale: 1 }, name)
  return step.activation === null
    ? y
    : builder.add('activation', [y], { kind: step.activation }, `${name}.active`)[0]
}

/** Logits [L,V] of `rows` [L,C]. An encoder has no output for a language model: asking it for one is a bug. */
export function buildOutput(part: Part, task: Task, rows: Value, name: string): Value {
  const { builder, config, weights } = part
  if (task.kind !== 'language-model') {
    const steps = headSteps(config, task)
    return steps.reduce(
      (x, step, index) => addHeadStep(part, step, x, index === steps.length - 1 ? name : `${name}.${index}`),
      rows,
    )
  }
  const { weight, scale, softCap } = config.output
  if (weight === null) throw new Error(`${config.family} predicts no tokens`)
  const inputs: [Value, Value, null] = [rows, weights.weight(weight), null]
  if (softCap === null) return builder.add('linear', inputs, { scale }, name)[0]
  const [logits] = builder.add('linear', inputs, { scale }, `${name}.uncapped`)
  return builder.add('softCap', [logits], { cap: softCap }, name)[0]
}
