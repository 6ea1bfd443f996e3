// The port behind which a graph runs. The engine knows this interface; backends/ implement it; tests/conformance run
// one suite against every implementation, the reference interpreter included.
import type { Result } from '#shared/result.ts'
import type { Graph } from './ir/types.ts'
import type { OptimizerSettings, StepNumbers } from './optim/optimizer-rule.ts'

export type TensorData = Float32Array | BigInt64Array

/** Dense, row-major. int64 holds ids, rows, targets and positions. */
export interface Tensor {
  readonly dtype: 'float32' | 'int64'
  readonly shape: readonly number[]
  readonly data: TensorData
}

/**
 * Where a frozen weight lies: in a safetensors file of ours (memory-mapped, never copied), there in 4 or 8 bits, or in
 * memory. A graph does not know the difference: to it every weight is float32.
 */
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
  | QuantisedLocation
  | { readonly kind: 'memory'; readonly tensor: Tensor }

/** A stretch of a file. */
export interface FilePart {
  readonly offsetBytes: number
  readonly lengthBytes: number
}

/**
 * A weight of `shape` [...,C], R rows in all, in N blocks of `blockValues` along each row: `blockValues` divides C. The
 * numbers are in row-major order.
 */
export type QuantisedLocation = {
  readonly kind: 'quantised'
  readonly folder: string
  readonly file: string
  readonly shape: readonly number[]
  readonly blockValues: number
} & (
  | {
      /** value = code * scale */
      readonly scheme: 'int8'
      /** int8 [R,C] */
      readonly codes: FilePart
      /** float16 [R,N] */
      readonly scales: FilePart
    }
  | {
      /** value = (code - zero / 16) * scale */
      readonly scheme: 'int4'
      /** uint4 [R,C], two a byte, the first in the low half */
      readonly codes: FilePart
      /** float16 [R,N] */
      readonly scales: FilePart
      /** uint8 [R,N] */
      readonly zeros: FilePart
    }
  | {
      /** value = levels[code] * absmax, absmax = absmaxMap[its code] * its scale + absmaxOffset (Dettmers et al. 2023) */
      readonly scheme: 'nf4'
      /** uint4 [R,C], two a byte, the first in the high half */
      readonly codes: FilePart
      /** uint8 [R,N] */
      readonly absmaxCodes: FilePart
      /** float32, one for 256 blocks of [R,N] */
      readonly absmaxScales: FilePart
      readonly absmaxOffset: number
      /** 16 numbers */
      readonly levels: Float32Array
      /** 256 numbers */
      readonly absmaxMap: Float32Array
    }
)

export interface CompileOptions {
  readonly threads: number
  /** Location of every frozen parameter by name. */
  readonly weights: ReadonlyMap<string, WeightLocation>
  /** A folder of this run for files the backend needs; it may be emptied between runs. */
  readonly workFolder: string
  /** Given, the session trains where it computes; only for backends that say `trainsResident`. */
  readonly resident?: ResidentOptimizer
}

/** The optimizer of what a session trains where it computes; of kind adamw. */
export interface ResidentOptimizer {
  readonly settings: OptimizerSettings
  /** Factors on the learning rate by parameter; 1 where none is given. */
  readonly rates: ReadonlyMap<string, number>
}

/** A trained tensor and its two moments, in buffers of the caller. */
export interface TrainedTensor {
  readonly name: string
  readonly parameters: Float32Array
  readonly first: Float32Array
  readonly second: Float32Array
}

/**
 * Trained tensors, their moments and the sums of their gradients, kept where a session computes: nothing of their size
 * comes or goes in a step. Each of `tensors` is one for every trainable parameter of the graph.
 */
export interface ResidentTraining {
  /** Copies these there and makes the sums zero. Before it there is nothing to run with. */
  load(tensors: readonly TrainedTensor[]): Promise<void>
  /** L2 norm of the sums over all parameters; NaN or infinite where an entry is. */
  gradientNorm(): Promise<number>
  /** Moves all parameters by AdamW (optim/adamw.ts), g = gradScale * sums, and makes the sums zero. */
  update(numbers: StepNumbers): Promise<void>
  /** Copies what is there into these. */
  read(tensors: readonly TrainedTensor[]): Promise<void>
}

export interface Session {
  /**
   * Runs the graph once. `feeds` holds every graph input and every trainable parameter by name. The result holds
   * every graph output by name; its arrays stay valid until the next run and must be copied to be kept. A session with
   * `resident` is fed no trainable parameter and returns no gradient: it adds gradients to the sums that it keeps.
   */
  run(feeds: ReadonlyMap<string, Tensor>): Promise<ReadonlyMap<string, Tensor>>
  /** Where it was compiled so. */
  readonly resident?: ResidentTraining
  dispose(): Promise<void>
}

export interface Backend {
  /** Stable name and version for the journal, e.g. 'onnxruntime-node 1.30.0 cpu'. */
  readonly name: string
  readonly determinism: 'bit-exact on this machine' | 'repeatable within 1e-5' | 'not repeatable'
  /** Whether a session can train where it computes, and gains by it. */
  readonly trainsResident?: boolean
  compile(graph: Graph, options: CompileOptions): Promise<Result<Session>>
}
