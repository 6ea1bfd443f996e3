// embed FILE --model MODEL: a vector for each text, one JSON document a line
import { readTexts } from '#core/data/index.ts'
import { embedTexts } from '#core/models/embeddings.ts'
import { modelFolder, showModel } from '#core/models/model-library.ts'
import { describeMachine } from '#core/system/machine.ts'
import type { Pooling } from '#shared/embedding-protocol.ts'
import { unwrap } from '#shared/result.ts'
import type { Application } from '../application.ts'

export interface EmbedOptions {
  readonly model: string
  readonly column?: string
  readonly pooling?: Pooling
  readonly maxTokens: number
}

/** So many digits give a float32 back exactly. */
const float32Digits = 9

export async function embedFile(
  application: Application,
  path: string,
  { model: name, column, pooling, maxTokens }: EmbedOptions,
): Promise<void> {
  const { library, launcher, output } = application
  const model = unwrap(await showModel(library, name))
  const { texts, leftOutCount } = unwrap(await readTexts(path, column ?? null))
  if (leftOutCount > 0) output.progress(`Rows without a usable text: ${leftOutCount}, left out.`, true)
  const stop = new AbortController()
  const release = application.onInterrupt(() => stop.abort())
  try {
    const made = unwrap(
      await embedTexts(
        {
          modelFolder: modelFolder(library, model.id),
          cacheFolder: library.cacheFolder,
          threads: describeMachine().physicalCores,
          maxTokens,
          pooling: pooling ?? null,
          texts: texts.map(({ text }) => text),
        },
        {
          launcher,
          signal: stop.signal,
          onProgress: (done, total) => output.progress(`Embedding: ${done} of ${total}`),
        },
      ),
    )
    const rows = texts.map(({ line }, at) => ({
      line,
      isCut: made.cut.has(at),
      embedding: Array.from(made.vectors[at] ?? [], (value) => Number(value.toPrecision(float32Digits))),
    }))
    for (const row of rows) output.line(JSON.stringify(row))
    if (made.cut.size > 0)
      output.progress(
        `Texts longer than ${maxTokens} tokens: ${made.cut.size}. Only their beginning counts; --max-tokens allows more.`,
        true,
      )
    const { width, backend } = made
    output.result({ model: model.id, pooling: made.pooling, width, backend, leftOutCount, rows })
  } finally {
    release()
  }
}
