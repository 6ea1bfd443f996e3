// Sizes of a model that follow from its description.
import type { ModelConfig, Task } from './config.ts'
import { languageModel } from './config.ts'
import { parameterShapes } from './shapes.ts'

/** Numbers in all weights of the model, with the output or the head of the task. */
export const parameterCount = (config: ModelConfig, task: Task = languageModel): number =>
  parameterShapes(config, task).reduce(
    (sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1),
    0,
  )
