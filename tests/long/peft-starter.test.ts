// The exported adapter of the real SmolLM2-135M in Hugging Face PEFT: values bit for bit, logits within 2e-3.
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { importStarter } from '../processes/starter-folder.ts'
import { checkWithPeft } from '../python/peft-check.ts'
import { findPython, findShared, findStarterGguf } from '../support/models.ts'

const python = findPython('peft')
const adapters = findShared('goldens/smollm2-lora')
const greedy = findShared('goldens/smollm2/greedy.json')
const gguf = findStarterGguf()

describe.skipIf(!python || !adapters || !greedy || !gguf)('the exported adapter of the starter model', () => {
  const home = mkdtempSync(join(tmpdir(), 'tunewright-peft-starter-'))
  afterAll(() => rmSync(home, { recursive: true, force: true }))

  test('is what PEFT computes with', { timeout: 900_000 }, async () => {
    const { model } = await importStarter(gguf!)
    const run = join(home, 'run')
    mkdirSync(join(run, 'adapter'), { recursive: true })
    copyFileSync(
      join(adapters!, 'adapter_final.safetensors'),
      join(run, 'adapter', 'adapter_model.safetensors'),
    )
    copyFileSync(join(adapters!, 'adapter_config.json'), join(run, 'adapter', 'adapter_config.json'))
    const [, , golden] = JSON.parse(readFileSync(greedy!, 'utf8')) as {
      prompt_ids: number[]
      new_ids_64_ignore_eos: number[]
    }[]
    const ids = [...golden!.prompt_ids, ...golden!.new_ids_64_ignore_eos]
    const figures = await checkWithPeft(python!, { model: model.folder, run, home }, ids)
    expect(figures.unequal).toEqual([])
    expect(figures.tensors).toBe(420)
    expect(figures.base_difference).toBeLessThan(2e-3)
    expect(figures.tuned_difference).toBeLessThan(2e-3)
    expect(figures.tuned_minus_base).toBeGreaterThan(1)
  })
})
