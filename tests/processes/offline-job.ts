// A program of its own for no-network.test.ts: trains the tiny model as the application does, in a real child process,
// then runs a graph in this process too. Prints `done`.
import { rm } from 'node:fs/promises'
import { GraphBuilder } from '../../src/engine/ir/graph-builder.ts'
import { unwrap } from '../../src/shared/result.ts'
import { makeTinyLibrary } from './trainer/tiny-run.ts'
import { eventsIn, finishedOf, runTrainer } from './trainer/trainer-process.ts'

const { library, makeJob } = await makeTinyLibrary()
try {
  const job = await makeJob('offline', { duration: { epochs: 1 } })
  finishedOf(eventsIn((await runTrainer(job)).messages))

  // Loaded only now: loading it sets this process's environment, which the trainer would have inherited.
  const { createOnnxBackend } = await import('../../src/backends/onnx/index.ts')
  const builder = new GraphBuilder()
  const x = builder.input('x', 'float32', ['B', 2])
  builder.inRegion('layer.0', () => builder.output(builder.add('add', [x, x], {}, 'twice')[0]))
  const options = { threads: 1, weights: new Map(), workFolder: library.home }
  const session = unwrap(await createOnnxBackend().compile(builder.build(), options))
  await session.run(new Map([['x', { dtype: 'float32', shape: [1, 2], data: Float32Array.of(1, 2) }]]))
  await session.dispose()
  console.info('done')
} finally {
  await rm(library.home, { recursive: true, force: true })
}
