import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readSplit } from '#core/data/index.ts'
import { evaluateAnswers, type MeasureSpec, measureAnswers, plainWay, proveRun } from '#core/proof/index.ts'
import { programOf } from '#core/proof/measure-programs.ts'
import { createNodeLauncher } from '#core/system/launcher.ts'
import { unwrap } from '#shared/result.ts'
import type { ChatMessage } from '#shared/rows.ts'
import { makeProofFixture, type ProofFixture } from './proof-fixture.ts'

const launcher = createNodeLauncher()

const fixtures: ProofFixture[] = []
const open = async (...spec: Parameters<typeof makeProofFixture>): Promise<ProofFixture> => {
  const fixture = await makeProofFixture(...spec)
  fixtures.push(fixture)
  return fixture
}
afterAll(() => {
  for (const fixture of fixtures) fixture.close()
})

describe('two ways of asking a base model, measured on validation rows', () => {
  const shot: ChatMessage[] = [
    { role: 'user', content: 'A message about bugs' },
    { role: 'assistant', content: 'bug' },
  ]
  const fewShot = {
    name: 'with examples',
    prompt: ({ prompt }: { prompt: readonly ChatMessage[] }) => [...shot, ...prompt],
  }
  let spec: MeasureSpec
  beforeAll(async () => {
    const { spec: proof, manifest } = await open('classification', 40)
    const rows = unwrap(await readSplit(proof.datasetFolder, 'validation'))
    spec = { ...proof, rows, labels: manifest.labels, ways: [plainWay, fewShot], tuned: null }
  })

  test('each way has an answer to every row, and the figures of both come with their difference', async () => {
    const measured = unwrap(await measureAnswers(spec, { launcher }))
    expect(measured.subjects.map(({ way, side }) => [way, side])).toEqual([
      ['plain', 'base'],
      ['with examples', 'base'],
    ])
    expect(measured.rows.map(({ rowId }) => rowId)).toEqual(spec.rows.map(({ rowId }) => rowId))
    const losses = measured.subjects.map(({ answers }) => answers.map(({ lossNats }) => lossNats))
    expect(losses[0]).not.toEqual(losses[1])
    const { labels } = spec
    const { results } = await evaluateAnswers(measured, { scenario: 'classification', labels, seed: 1 })
    const accuracy = results.find(({ metric }) => metric === 'accuracy')!
    expect(accuracy.values).toHaveLength(2)
    expect(accuracy.differences[1]!.interval.value).toBeCloseTo(
      accuracy.values[1]!.value - accuracy.values[0]!.value,
      12,
    )
  })

  test('a row that is too long in one way is left out of both, with the way in the reason', async () => {
    const long = { name: 'long', prompt: () => [{ role: 'user' as const, content: 'x'.repeat(230) }] }
    const rows = spec.rows.slice(0, 4)
    const longOnlyFirst = {
      ...long,
      prompt: (example: { rowId: string; prompt: readonly ChatMessage[] }) =>
        example.rowId === rows[0]!.rowId ? long.prompt() : example.prompt,
    }
    const limited = { ...spec, rows, ways: [plainWay, longOnlyFirst] }
    const measured = unwrap(await measureAnswers(limited, { launcher }))
    expect(measured.rows).toHaveLength(3)
    expect(measured.leftOut).toEqual([
      { rowId: rows[0]!.rowId, reason: expect.stringMatching(/^long: it has \d+ tokens/) },
    ])
    const none = await measureAnswers({ ...limited, ways: [long] }, { launcher })
    expect(none).toMatchObject({ ok: false, problem: { code: 'data.too-few-rows' } })
  })
})

describe('proofs of other scenarios, all parts real', () => {
  test('a conversation: every turn is asked with all that was said before it, and counts to its conversation', async () => {
    const { spec, journal, manifest } = await open('chatbot', 12)
    const report = unwrap(await proveRun({ ...spec, maxAnswerTokens: 3 }, { launcher, journal }))
    expect(report.rows).toBe(manifest.counts.test)
    expect(report.answers).toHaveLength(2 * report.rows)
    expect(report.answers.map(({ prompt }) => prompt.length % 2)).not.toContain(1)
    expect(report.comparisons.map(({ metric }) => metric)).toContain('tokenF1')
  })

  test('plain texts: bits per byte, and nothing is written', async () => {
    const { spec, journal } = await open('domain', 12)
    const phases = new Set<string>()
    const onProgress = ({ phase }: { phase: string }) => phases.add(phase)
    const report = unwrap(await proveRun(spec, { launcher, journal, onProgress }))
    expect(phases).not.toContain('answering')
    expect(report.metric).toBe('bitsPerByte')
    const [first] = report.answers
    const { lossNats, scores } = first!.base
    expect(scores.bitsPerByte).toBeCloseTo(
      lossNats / Math.LN2 / Buffer.byteLength(first!.expected, 'utf8'),
      12,
    )
    // A model of random weights knows nothing: about log2(259) bits for every byte.
    expect(report.baseline.value).toBeGreaterThan(6)
    expect(report.baseline.value).toBeLessThan(14)
  })

  test('programs are tried out where a row has tests, and only there', async () => {
    const { spec, journal } = await open('code', 12)
    const report = unwrap(await proveRun(spec, { launcher, journal }))
    const tried = report.answers.filter(({ base }) => base.run !== null)
    expect(report.metric).toBe('passAt1')
    expect(tried.length).toBeGreaterThan(0)
    expect(tried.length).toBeLessThan(report.answers.length)
    // Six random bytes are no program that passes.
    for (const { base } of tried)
      expect(base.run).toMatchObject({ passed: false, reason: expect.any(String) })
    expect(report.comparisons[0]!.rows).toBe(tried.length)
  })
})

test.each([
  ['def f():\n    return 1', 'def f():\n    return 1'],
  ['Here it is:\n```python\ndef f():\n    return 1\n```\nDone.', 'def f():\n    return 1'],
  ['  ```js\nlet a\n', 'let a\n'],
  ['```\na\n```\n```\nb\n```', 'a'],
])('the program in %j', (text, program) => {
  expect(programOf(text)).toBe(program)
})
