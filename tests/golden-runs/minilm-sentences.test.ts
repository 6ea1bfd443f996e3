// all-MiniLM-L6-v2 from its folder to vectors as a person gets them: brought into the library, its own tokenizer, the
// embedder process; beside transformers.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { embedTexts } from '#core/models/embeddings.ts'
import { importModel } from '#core/models/import-model.ts'
import { modelFolder } from '#core/models/model-library.ts'
import { createNodeLauncher } from '#core/system/launcher.ts'
import { openLibrary } from '#core/system/library.ts'
import { unwrap } from '#shared/result.ts'
import { largestDifference } from '../engine/support/numbers.ts'
import { findShared, findTestModel } from '../support/models.ts'
import { readTensors } from '../support/tensor-files.ts'

const golden = findShared('goldens/minilm')
const found = findTestModel('sentence_bert_config.json')

describe.skipIf(!golden || !found)('all-MiniLM-L6-v2 as a process', () => {
  test('every sentence within 1e-5 of transformers, the longest cut at the same token', async () => {
    const { sentences, ids, max_length } = JSON.parse(readFileSync(join(golden!, 'golden.json'), 'utf8'))
    const expected = (await readTensors(join(golden!, 'embeddings.safetensors'))).get('embeddings')
    const home = mkdtempSync(join(tmpdir(), 'tunewright-minilm-'))
    try {
      const library = openLibrary(home)
      const model = unwrap(await importModel(library, dirname(found!)))
      const made = unwrap(
        await embedTexts(
          {
            modelFolder: modelFolder(library, model.id),
            cacheFolder: library.cacheFolder,
            threads: 2,
            maxTokens: max_length,
            pooling: null,
            texts: sentences,
          },
          { launcher: createNodeLauncher() },
        ),
      )
      expect(made).toMatchObject({ width: 384, pooling: 'mean' })
      for (const at of made.cut) expect(ids[at]).toHaveLength(max_length)
      const all = made.vectors.flatMap((vector) => [...vector])
      expect(all).toHaveLength(sentences.length * made.width)
      expect(largestDifference(Float32Array.from(all), [...(expected?.data ?? [])])).toBeLessThan(1e-5)
    } finally {
      rmSync(home, { recursive: true, force: true })
    }
  })
})
