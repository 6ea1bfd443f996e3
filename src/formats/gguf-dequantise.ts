// GGUF tensors as float32. Refuses the number formats that need lookup grids or fewer than four bits.
import { attemptAsync, ProblemError, type Result } from '#shared/result.ts'
import type { ByteSource } from './byte-source.ts'
import { dequantisers } from './gguf-blocks.ts'
import { type GgufTensor, type GgufTensorTypeName, ggufTensorTypes } from './gguf-types.ts'
import { weightLimits } from './weight-limits.ts'
import { damaged, readExactly } from './weight-problems.ts'

function notDequantisable(file: string, type: GgufTensorTypeName): ProblemError {
  return new ProblemError({
    code: 'gguf.unsupported',
    message: `Weights stored as ${type} cannot be turned back into numbers that can be trained.`,
    where: file,
    remedy: `Look for a copy of this model as safetensors, or as GGUF in one of ${Object.keys(dequantisers).join(', ')}.`,
  })
}

/** Whether weights of this type can be read as numbers. */
export const isDequantisable = (type: GgufTensorTypeName): boolean => dequantisers[type] !== undefined

/**
 * A tensor of the file as float32, bit-equal to Python's gguf package, in the file's own order. Reads in pieces of at
 * most 4 MiB.
 * Problems: gguf.unsupported, gguf.invalid (the tensor lies outside the file), file.changed.
 */
export async function readGgufFloat32(
  source: ByteSource,
  tensor: GgufTensor,
): Promise<Result<Float32Array<ArrayBuffer>>> {
  return attemptAsync(async () => {
    const { blockBytes, blockElements } = ggufTensorTypes[tensor.type]
    const write = dequantisers[tensor.type]
    if (!write) throw notDequantisable(source.name, tensor.type)
    if (tensor.offsetBytes + tensor.lengthBytes > source.sizeBytes)
      throw damaged(
        'gguf.invalid',
        source.name,
        `byte ${tensor.offsetBytes}`,
        'The tensor reaches beyond the end of the file.',
      )
    const values = new Float32Array((tensor.lengthBytes / blockBytes) * blockElements)
    const pieceBytes = Math.floor(weightLimits.readBytes / blockBytes) * blockBytes
    for (let done = 0; done < tensor.lengthBytes; done += pieceBytes) {
      const length = Math.min(pieceBytes, tensor.lengthBytes - done)
      const bytes = await readExactly(source, tensor.offsetBytes + done, length)
      write(bytes, values, (done / blockBytes) * blockElements)
    }
    return values
  })
}
