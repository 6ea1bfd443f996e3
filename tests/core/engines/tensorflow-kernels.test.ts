// Our own operators for TensorFlow: which file is whole, which was tried on this processor, and that their version is
// raised with what they promise.
import { createHash } from 'node:crypto'
import { globSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import {
  keepKernelsTrial,
  kernelsFactsPath,
  kernelsStateOf,
  kernelsVersion,
  wholeKernels,
  writeKernelsFacts,
} from '#core/engines/tensorflow-kernels.ts'
import { hasKernelInstructions } from '#core/system/machine.ts'
import { unpackedPath } from '#core/system/program-places.ts'
import { hasKernelsFor } from '#shared/processor-flags.ts'

const folder = mkdtempSync(join(tmpdir(), 'tunewright-kernels-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const file = join(folder, 'tunewright_kernels-0.node')
const sources = 'a'.repeat(64)

beforeEach(async () => {
  writeFileSync(file, 'operators of old')
  await writeKernelsFacts(file, sources)
})

describe('the file', () => {
  test('is whole as it was built', () => {
    expect(wholeKernels(file)).toMatchObject({ file, sources })
  })

  test.each<[string, () => void]>([
    ['cut', () => truncateSync(file, 8)],
    ['of another build', () => writeFileSync(file, 'operators of new')],
    ['without what tells of it', () => rmSync(kernelsFactsPath(file))],
    ['told of in nonsense', () => writeFileSync(kernelsFactsPath(file), '{"sha256": 1}')],
    ['gone', () => rmSync(file)],
  ])('that is %s is none', (_, damage) => {
    damage()
    expect(wholeKernels(file)).toBe(null)
  })

  test('of a packed program is opened beside its archive, by the system itself', () => {
    expect(unpackedPath('/opt/Tunewright/resources/app.asar/resources/engines/x.node')).toBe(
      '/opt/Tunewright/resources/app.asar.unpacked/resources/engines/x.node',
    )
    expect(unpackedPath('/home/me/app/resources/engines/x.node')).toBe(
      '/home/me/app/resources/engines/x.node',
    )
  })
})

test('a processor needs all four families of instructions', () => {
  expect(hasKernelsFor('flags : fma sse4_2 avx avx2 bmi1 bmi2 f16c')).toBe(true)
  for (const left of ['avx2', 'fma', 'f16c', 'bmi2'])
    expect(
      hasKernelsFor('flags : fma avx avx2 bmi2 f16c fma4 avx256'.replace(new RegExp(`${left}\\b`), '')),
    ).toBe(false)
  expect(hasKernelsFor('')).toBe(false)
})

describe.runIf(hasKernelInstructions())('an engine computes with the operators', () => {
  test('only where this file computed right here', async () => {
    expect(kernelsStateOf(folder, file).kind).toBe('untried')
    await keepKernelsTrial(folder, wholeKernels(file)!, null)
    expect(kernelsStateOf(folder, file).kind).toBe('used')
    writeFileSync(file, 'operators of new')
    expect(kernelsStateOf(folder, file).kind).toBe('missing')
    await writeKernelsFacts(file, sources)
    expect(kernelsStateOf(folder, file).kind).toBe('untried')
    await keepKernelsTrial(folder, wholeKernels(file)!, 'It died.')
    expect(kernelsStateOf(folder, file)).toMatchObject({ kind: 'refused', why: 'It died.' })
  })

  test('and not by a trial on another processor', async () => {
    await keepKernelsTrial(folder, wholeKernels(file)!, null)
    const path = join(folder, 'kernels-trial.json')
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), processor: 'another' }))
    expect(kernelsStateOf(folder, file).kind).toBe('untried')
  })
})

const kernelsFolder = join(import.meta.dirname, '../../../src/backends/tensorflow/kernels')

/** Of the sources, file by file: names of operators, and the texts that their inputs, outputs and attributes are made of. */
function signatures(): string[] {
  const part = String.raw`\w+: (\w+( \* \w+)?|list\(\w+\)|\{[\w, ]+\})( >= \d+)?`
  const isSignature = new RegExp(`^(Tunewright\\w+|(${part};?)+)$`)
  return globSync('*.{cpp,h}', { cwd: kernelsFolder })
    .sort()
    .flatMap((name) => readFileSync(join(kernelsFolder, name), 'utf8').match(/"[^"\n]*"/g) ?? [])
    .map((literal) => literal.slice(1, -1))
    .filter((text) => isSignature.test(text))
}

test('their version is raised when an operator is registered in another way', () => {
  const found = signatures()
  expect(found.filter((text) => text.startsWith('Tunewright')).length).toBeGreaterThan(8)
  const sha256 = createHash('sha256').update(found.join('\n')).digest('hex')
  // Where this hash is another one: raise kernelsVersion, too, unless no program of that version was ever given away.
  expect({ kernelsVersion, sha256 }).toEqual({
    kernelsVersion: 1,
    sha256: '41af834aa139ae6ffe03902ff9243db94f69f900bab2dbf6810b649cdd5c8298',
  })
})
