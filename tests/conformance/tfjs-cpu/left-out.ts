// What the suite does not ask of TensorFlow.js's CPU back end, and why. `tfjs-cpu.test.ts` lowers graphs of each kind and
// holds the lists against what has no kernel there: neither too much nor too little. Operators of our own (kernels/) are of
// TensorFlow's library alone: the graph is lowered without them here.

export interface LeftOut {
  readonly reason: string
  /** Operators and types of numbers, in alphabetical order. */
  readonly beyond: readonly string[]
}

const maps = 'it maps no file, and no kernel of it sees bytes as other numbers'

export const leftOut = {
  'weights in files': {
    reason: maps,
    beyond: ['Bitcast', 'ImmutableConst', 'bfloat16', 'float16', 'int64', 'uint8'],
  },
  'weights in 4 and 8 bits': {
    reason: `${maps}; it shifts no bits`,
    beyond: ['Bitcast', 'BitwiseAnd', 'ImmutableConst', 'RightShift', 'float16', 'int64', 'int8', 'uint8'],
  },
  'products in bfloat16': {
    reason: 'its numbers are float32, int32, bool and complex64',
    beyond: ['bfloat16'],
  },
  'parameters moved where the graph is computed': {
    reason: 'its variables are of its JavaScript interface; no kernel reads or assigns one',
    beyond: [
      ...['AssignAddVariableOp', 'AssignSubVariableOp', 'AssignVariableOp'],
      ...['L2Loss', 'ReadVariableOp', 'VarHandleOp'],
    ],
  },
} as const satisfies Record<string, LeftOut>
