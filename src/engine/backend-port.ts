// The port behind which a graph runs. The engine knows this interface; backends/ implement it; tests/conformance run
// one suite against every implementation, the reference interpreter included.
import type { Result } from '#shared/result.ts'
import type { Graph } from './ir/types.ts'

export type TensorData = Float32Array | BigInt64Array

/** Dense, row-major. int64 holds ids, rows, targets and positions. */
export interface Tensor {
  readonly dtype: 'float32' | 'int64'
  readonly shape: readonly number[]
  readonly data: TensorData
}

/** Where a frozen weight lies: in a safetensors file of ours (memory-mapped, never copied), or in memory. */
export type WeightLocation =
  | {
      readonly kind: 'file'
      readonly folder: string
      readonly file: string
      readonly offsetBytes: number
      readonly lengthBytes: number
      readonly dtype: 'float32' | 'float16' | 'bfloat16'
      readonly shape: readonly number[]
    }
  | { readonly kind: 'memory'; readonly tensor: Tensor }

export interface CompileOptions {
  readonly threads: number
  /** Location of every frozen parameter by name. */
  readonly weights: ReadonlyMap<string, WeightLocation>
  /** A folder of this run for files the backend needs; it may be emptied between runs. */
  readonly workFolder: string
}

export interface Session {
  /**
   * Runs the graph once. `feeds` holds every graph input and every trainable parameter by name. The result holds
   * every graph output by name; its arrays stay valid until the next run and must be copied to be kept.
   */
  run(feeds: ReadonlyMap<string, Tensor>): Promise<ReadonlyMap<string, Tensor>>
  dispose(): Promise<void>
}

export interface Backend {
  /** Stable name and version for the journal, e.g. 'onnxruntime-node 1.30.0 cpu'. */
  readonly name: string
  readonly determinism: 'bit-exact on this machine' | 'repeatable within 1e-5' | 'not repeatable'
  compile(graph: Graph, options: CompileOptions): Promise<Result<Session>>
}
