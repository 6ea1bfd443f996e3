import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { writeTinyAdapter, writeTinyModel } from '../processes/tiny-model.ts'
import { findPython } from '../support/models.ts'
import { checkWithPeft } from './peft-check.ts'

const python = findPython('peft')

describe.skipIf(!python)('an exported adapter in Hugging Face PEFT', () => {
  const home = mkdtempSync(join(tmpdir(), 'tunewright-peft-'))
  afterAll(() => rmSync(home, { recursive: true, force: true }))

  test('has unchanged values and gives our logits', { timeout: 300_000 }, async () => {
    const model = writeTinyModel(join(home, 'model'))
    const run = join(home, 'run')
    writeTinyAdapter(join(run, 'adapter'))
    const ids = Array.from({ length: 40 }, (_, place) => (place * 37 + 11) % 256)
    const figures = await checkWithPeft(python!, { model, run, home }, ids)
    expect(figures.unequal).toEqual([])
    expect(figures.tensors).toBe(2 * 3 * 2)
    expect(figures.base_difference).toBeLessThan(1e-4)
    expect(figures.tuned_difference).toBeLessThan(1e-4)
    expect(figures.tuned_minus_base).toBeGreaterThan(0.1)
  })
})
