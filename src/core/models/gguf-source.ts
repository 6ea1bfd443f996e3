// A GGUF file as a model source: weights dequantised to float32, tokenizer rebuilt. Refuses what formats/ cannot read.
import { basename } from 'node:path'
import { parameterShapes, parseModelConfig } from '#engine/index.ts'
import { readGguf } from '#formats/gguf.ts'
import { textOf } from '#formats/gguf-metadata.ts'
import { type HuggingFaceTensor, huggingFaceModelOf } from '#formats/gguf-model.ts'
import { tokenizerOfGguf } from '#formats/gguf-tokenizer.ts'
import type { SafetensorsInput } from '#formats/safetensors.ts'
import { unwrap } from '#shared/result.ts'
import type { OpenFile } from '../system/file-bytes.ts'
import { checkTexts, type ModelSource, type ModelTexts } from './model-source.ts'
import { openUnchanged, statChosenFile } from './safe-files.ts'

const pieceBytes = 4 << 20

/** Throws ProblemError. The file stays open until `close`. */
export async function openGgufSource(path: string): Promise<ModelSource> {
  const file = await statChosenFile(path)
  const bytes = await openUnchanged(file)
  try {
    const gguf = unwrap(await readGguf(bytes))
    const model = unwrap(await huggingFaceModelOf(gguf, bytes))
    const { tokenizerJson, tokenizerConfig } = unwrap(tokenizerOfGguf(gguf.metadata))
    const texts: ModelTexts = {
      config: model.config,
      tokenizer: tokenizerJson,
      tokenizerConfig: tokenizerConfig as Record<string, unknown>,
    }
    const config = unwrap(parseModelConfig(texts.config))
    await checkTexts(texts, config)
    const byName = new Map(model.tensors.map((tensor) => [tensor.name, tensor]))
    return {
      name: textOf(gguf.metadata, 'general.name')?.trim() || basename(file.name, '.gguf'),
      licence: textOf(gguf.metadata, 'general.license') ?? 'unknown',
      origin: { kind: 'gguf', from: file.name, revision: null },
      files: [file],
      config,
      texts,
      weightType: 'float32',
      // huggingFaceModelOf has checked that exactly these tensors are there, in these shapes.
      tensors: async () =>
        parameterShapes(config).map(({ name, shape }) => float32Input(byName.get(name)!, shape, bytes)),
      close: () => bytes.close(),
    }
  } catch (error) {
    await bytes.close()
    throw error
  }
}

function float32Input(
  tensor: HuggingFaceTensor,
  shape: readonly number[],
  source: OpenFile,
): SafetensorsInput {
  return {
    name: tensor.name,
    dtype: 'F32',
    shape,
    async *read() {
      const values = unwrap(await tensor.load(source))
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
      for (let at = 0; at < bytes.byteLength; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
    },
  }
}
