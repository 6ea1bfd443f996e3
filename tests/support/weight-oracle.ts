// The judge of damaged weight files: a valid result, or exactly one Problem of a known code with a place and a remedy.
// Nothing thrown, no read outside the file, no large read, and no result that points outside the file.
import { bytesAsSource } from '#formats/byte-source.ts'
import { readGguf } from '#formats/gguf.ts'
import { huggingFaceModelOf } from '#formats/gguf-model.ts'
import { tokenizerOfGguf } from '#formats/gguf-tokenizer.ts'
import { readFloat32, readSafetensorsHeader } from '#formats/safetensors.ts'
import type { Problem, Result } from '#shared/result.ts'
import { type WatchedSource, watchedSource } from './watched-source.ts'

export type WeightKind = 'safetensors' | 'gguf'

const headerCodes: Readonly<Record<WeightKind, readonly string[]>> = {
  safetensors: ['safetensors.invalid', 'limit.exceeded'],
  gguf: ['gguf.invalid', 'gguf.unsupported', 'limit.exceeded'],
}
const laterCodes = ['gguf.invalid', 'gguf.unsupported', 'model.unsupported-family', 'model.missing-tensor']

const largestReadBytes = 16 * 1024 * 1024

class Breach extends Error {}

/** 'accepted', or the code of the Problem. Throws where the parser broke its promise. */
export async function judge(kind: WeightKind, file: Uint8Array): Promise<string> {
  const source = watchedSource(file)
  const verdict = kind === 'gguf' ? await judgeGguf(source) : await judgeSafetensors(source)
  if (source.readsOutside > 0) throw new Breach('a read outside the file')
  if (source.largestReadBytes > largestReadBytes)
    throw new Breach(`a read of ${source.largestReadBytes} bytes`)
  if (source.totalReadBytes > 4 * file.length + 64)
    throw new Breach(`${source.totalReadBytes} bytes read of a file of ${file.length}`)
  return verdict
}

function requireProblem(problem: Problem, codes: readonly string[]): string {
  if (!codes.includes(problem.code)) throw new Breach(`the code ${problem.code}`)
  if (
    problem.message === '' ||
    problem.remedy === '' ||
    !/^model, .|^metadata key|^model$/.test(problem.where)
  )
    throw new Breach(`a Problem without place, sentence or remedy: ${JSON.stringify(problem)}`)
  if (problem.message.length > 1000 || problem.where.length > 400)
    throw new Breach(`a Problem of ${problem.message.length} characters`)
  return problem.code
}

/** Entries lie one behind the other within the file. */
function requireInside(
  tensors: ReadonlyMap<string, { readonly offsetBytes: number; readonly lengthBytes: number }>,
  sizeBytes: number,
): void {
  let end = 0
  for (const [name, { offsetBytes, lengthBytes }] of tensors) {
    if (offsetBytes < end || offsetBytes + lengthBytes > sizeBytes)
      throw new Breach(`${name} lies outside the file`)
    end = offsetBytes + lengthBytes
  }
}

async function judgeSafetensors(source: WatchedSource): Promise<string> {
  const header = await readSafetensorsHeader(source)
  if (!header.ok) return requireProblem(header.problem, headerCodes.safetensors)
  requireInside(header.value.tensors, source.sizeBytes)
  for (const entry of header.value.tensors.values()) {
    const elements = entry.shape.reduce((product, size) => product * size, 1)
    const values = await readFloat32(source, entry)
    if (values.ok ? values.value.length !== elements : /^B?F(16|32)$/.test(entry.dtype))
      throw new Breach('a tensor of the accepted header cannot be read')
  }
  return 'accepted'
}

async function judgeGguf(source: WatchedSource): Promise<string> {
  const gguf = await readGguf(source)
  if (!gguf.ok) return requireProblem(gguf.problem, headerCodes.gguf)
  requireInside(gguf.value.tensors, source.sizeBytes)
  const later: Result<unknown>[] = [
    tokenizerOfGguf(gguf.value.metadata),
    await huggingFaceModelOf(gguf.value, source),
  ]
  for (const result of later) if (!result.ok) requireProblem(result.problem, laterCodes)
  return 'accepted'
}

/** Throws where a seed is not valid: a corpus must start from something that the parsers accept. */
export async function requireValid(kind: WeightKind, file: Uint8Array): Promise<void> {
  const source = bytesAsSource('model', file)
  const result = kind === 'gguf' ? await readGguf(source) : await readSafetensorsHeader(source)
  if (!result.ok) throw new Breach(`the seed file is not valid: ${result.problem.message}`)
}
