// What examples in the prompt reached, beside a proof: only of the same model and metric, and with a warning where they
// may do as well.
import { describe, expect, it } from 'vitest'
import type { Advice, ProofView } from '#shared/contract/index.ts'
import { openTestPage } from './support/page.ts'

openTestPage({})
const { examplesNote } = await import('#renderer/features/proof/examples-note.ts')

const proofOf = (value: number, metric = 'accuracy') =>
  ({
    modelId: 'model',
    summary: { metric, tuned: { value, low: value, high: value } },
  }) as unknown as ProofView
const adviceOf = (more: object = {}) =>
  ({
    modelId: 'model',
    metric: 'accuracy',
    rows: 49,
    subjects: [
      { subject: 'plain', value: { value: 0.1, low: 0.05, high: 0.2 }, shots: 0 },
      { subject: 'few-shot', value: { value: 0.37, low: 0.25, high: 0.51 }, shots: 4 },
    ],
    ...more,
  }) as unknown as Advice
const mayDo = 'So examples alone, without training, may do as well here.'

describe('the note about examples', () => {
  it('says what they reached, on which rows, and that they may do where training lies no higher', () => {
    expect(examplesNote(proofOf(0.36), adviceOf())).toBe(
      `With 4 examples in the prompt and no training it reached 37 % (25 % to 51 %) on 49 other rows (steering rows). Compare with care: other rows. ${mayDo}`,
    )
    expect(examplesNote(proofOf(0.51), adviceOf())).toContain(mayDo)
    expect(examplesNote(proofOf(0.52), adviceOf())).not.toContain(mayDo)
  })

  it('knows metrics of which less is better', () => {
    const measured = adviceOf({ metric: 'ter' })
    expect(examplesNote(proofOf(0.24, 'ter'), measured)).not.toContain(mayDo)
    expect(examplesNote(proofOf(0.3, 'ter'), measured)).toContain(mayDo)
  })

  it('is silent about another model, another metric, or where no examples were measured', () => {
    expect(examplesNote(proofOf(0.3), null)).toBeNull()
    expect(examplesNote(proofOf(0.3), adviceOf({ modelId: 'other' }))).toBeNull()
    expect(examplesNote(proofOf(0.3, 'macroF1'), adviceOf())).toBeNull()
    expect(examplesNote(proofOf(0.3), adviceOf({ subjects: [] }))).toBeNull()
    expect(examplesNote({ ...proofOf(0.3), summary: null }, adviceOf())).toBeNull()
  })
})
