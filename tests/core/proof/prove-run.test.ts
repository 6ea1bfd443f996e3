import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ProofJournal, type ProofProgress, proveRun } from '#core/proof/index.ts'
import { isTemporaryName, sha256File } from '#core/system/durable-files.ts'
import { createNodeLauncher } from '#core/system/launcher.ts'
import { proofReport } from '#shared/proof-protocol.ts'
import { ProblemError, unwrap } from '#shared/result.ts'
import { damageAdapter, makeProofFixture, type ProofFixture } from './proof-fixture.ts'

const launcher = createNodeLauncher()
const savedOf = ({ reader }: ProofFixture) => ({
  evaluations: unwrap(reader.evaluations('run-1')),
  comparisons: unwrap(reader.comparisons('run-1')),
})

describe('the proof of a classification run, all parts real', () => {
  let fixture: ProofFixture
  beforeAll(async () => {
    fixture = await makeProofFixture('classification', 50)
  })
  afterAll(() => fixture.close())

  test('cancelled before the end: nothing is kept but the opening', async () => {
    const controller = new AbortController()
    const onProgress = ({ phase }: ProofProgress) => {
      if (phase === 'scoring') controller.abort()
    }
    const { spec, journal } = fixture
    const result = await proveRun(spec, { launcher, journal, onProgress, signal: controller.signal })
    expect(result).toMatchObject({ ok: false, problem: { code: 'proof.cancelled' } })
    expect(savedOf(fixture)).toEqual({ evaluations: [], comparisons: [] })
    expect(unwrap(fixture.reader.openings(fixture.manifest.fingerprint))).toHaveLength(1)
    expect(readdirSync(fixture.library.cacheFolder).filter(isTemporaryName)).toEqual([])
  })

  test('a damaged adapter is a Problem with a place, and the test set stays closed', async () => {
    const openings = () => unwrap(fixture.reader.openings(fixture.manifest.fingerprint)).length
    const before = openings()
    const result = await proveRun(damageAdapter(fixture), { launcher, journal: fixture.journal })
    expect(result).toMatchObject({ ok: false, problem: { code: 'checkpoint.damaged' } })
    expect(openings()).toBe(before)
  })

  test('an adapter that the scorer cannot read is a Problem, and nothing is kept', async () => {
    const spec = damageAdapter(fixture)
    const weightsSha256 = await sha256File(join(spec.tuned.folder, 'adapter_model.safetensors'))
    const tuned = { ...spec.tuned, weightsSha256 }
    const result = await proveRun({ ...spec, tuned }, { launcher, journal: fixture.journal })
    expect(result).toMatchObject({ ok: false, problem: { code: 'safetensors.invalid' } })
    expect(savedOf(fixture)).toEqual({ evaluations: [], comparisons: [] })
  })

  test('where the opening cannot be recorded no row is read and no child starts', async () => {
    const full: ProofJournal = {
      recordOpening: async () => {
        throw new ProblemError({
          code: 'journal.disk-full',
          message: 'full',
          where: 'journal',
          remedy: 'space',
        })
      },
      saveProof: async () => {
        throw new Error('never reached')
      },
    }
    const forbidden = {
      launch: () => {
        throw new Error('no child may start')
      },
    }
    const result = await proveRun(fixture.spec, { launcher: forbidden, journal: full })
    expect(result).toMatchObject({ ok: false, problem: { code: 'journal.disk-full' } })
  })

  test('ends in a report that the journal holds too; measured again it gives the same figures', async () => {
    const phases: string[] = []
    const { spec, journal, manifest } = fixture
    const openingsBefore = unwrap(fixture.reader.openings(manifest.fingerprint)).length
    const report = unwrap(
      await proveRun(spec, { launcher, journal, onProgress: ({ phase }) => phases.push(phase) }),
    )
    expect(proofReport.parse(report)).toEqual(report)
    expect(report.rows).toBe(manifest.counts.test)
    expect(report.metric).toBe('accuracy')
    expect(report.labels?.labels).toEqual(['billing', 'bug', 'praise'])
    expect(report.answers.every((row) => row.base.text !== null && row.tuned.text !== null)).toBe(true)
    expect([...new Set(phases)]).toEqual(['opening', 'loading', 'scoring', 'computing', 'saving'])

    const { evaluations, comparisons } = savedOf(fixture)
    expect(evaluations.map((one) => one.subject).sort()).toEqual(['base', 'tuned'])
    const tuned = evaluations.find((one) => one.subject === 'tuned')!
    expect(tuned.answers.map((one) => one.answer)).toEqual(report.answers.map((row) => row.tuned.text))
    expect(comparisons).toHaveLength(1)
    const { answers: _, ...body } = report
    expect(comparisons[0]!.body).toEqual(body)
    expect(unwrap(fixture.reader.openings(manifest.fingerprint))).toHaveLength(openingsBefore + 1)

    const again = unwrap(await proveRun(spec, { launcher, journal }))
    expect(again.comparisons).toEqual(report.comparisons)
    expect(again.answers).toEqual(report.answers)
  })
})

describe('the proof of a question-answering run, all parts real', () => {
  let fixture: ProofFixture
  beforeAll(async () => {
    fixture = await makeProofFixture('question-answering', 30)
  })
  afterAll(() => fixture.close())

  test('both models write an answer to every row; the GGUF copies stay for the next time', async () => {
    const { spec, journal } = fixture
    const report = unwrap(await proveRun(spec, { launcher, journal }))
    expect(report.rows).toBeGreaterThan(10)
    expect(report.answers.every((row) => row.base.text !== null && row.tuned.text !== null)).toBe(true)
    expect(report.answers.some((row) => row.base.text !== row.tuned.text)).toBe(true)
    const names = report.comparisons.map((one) => one.metric)
    expect(names).toEqual(expect.arrayContaining(['exactMatch', 'tokenF1', 'lossNats', 'perplexity']))
    const copies = readdirSync(`${fixture.library.cacheFolder}/gguf`).sort()
    expect(copies.map((name) => name.replace(/[0-9a-f]{24}/, '...'))).toEqual([
      'adapter-...-v1.gguf',
      'model-...-f16-v1.gguf',
    ])
    const again = unwrap(await proveRun(spec, { launcher, journal }))
    expect(readdirSync(`${fixture.library.cacheFolder}/gguf`).sort()).toEqual(copies)
    expect(again.answers).toEqual(report.answers)
  })
})
