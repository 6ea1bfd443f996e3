// Times x [T,C] times w [C,I], float32, again and again: the shape of a small model's widest layer. The best product
// counts, because everything that disturbs one makes it slower.
import { type Backend, GraphBuilder, type Tensor } from '#engine/index.ts'
import { unwrap } from '#shared/result.ts'
import type { SpeedEvent } from '#shared/speed-protocol.ts'
import { type JobContext, throwIfCancelled } from '../serve-job.ts'

const tokens = 1024
const inner = 576
const outer = 1536
const gigaflops = (2 * tokens * inner * outer) / 1e9

/** Throws ProblemError where the backend cannot run. */
export async function measureProducts(
  threads: number,
  seconds: number,
  backend: Backend,
  { emit, signal }: JobContext<SpeedEvent>,
): Promise<void> {
  const session = unwrap(
    await backend.compile(productGraph(), { threads, weights: new Map(), workFolder: '' }),
  )
  try {
    const feeds = new Map([
      ['x', waves([tokens, inner])],
      ['weight', waves([inner, outer])],
    ])
    let best = 0
    const startedMs = performance.now()
    for (let elapsed = 0; elapsed < seconds; elapsed = (performance.now() - startedMs) / 1000) {
      await throwIfCancelled(signal)
      const beforeMs = performance.now()
      await session.run(feeds)
      best = Math.max(best, gigaflops / ((performance.now() - beforeMs) / 1000))
      await emit({ kind: 'progress', done: Math.round(100 * (elapsed / seconds)), total: 100 })
    }
    await emit({ kind: 'multiplied', gemmGflops: best })
  } finally {
    await session.dispose()
  }
}

function productGraph() {
  const builder = new GraphBuilder()
  const x = builder.input('x', 'float32', ['T', inner])
  const weight = builder.input('weight', 'float32', [inner, outer])
  builder.inRegion('gemm', () =>
    builder.output(builder.add('linearInputBackward', [x, weight, null], { scale: 1 }, 'y')[0]),
  )
  return builder.build()
}

function waves(shape: readonly number[]): Tensor {
  const length = shape.reduce((product, size) => product * size, 1)
  return { dtype: 'float32', shape, data: Float32Array.from({ length }, (_, i) => Math.sin(i)) }
}
