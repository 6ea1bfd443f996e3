// Measured answers as a test writes them down: rows with what base and tuned made of them.
import type { AskedRow, MeasuredAnswers, SubjectAnswer } from '#core/proof/index.ts'

export type TestAnswer = Partial<SubjectAnswer>
export interface TestRow extends Partial<AskedRow> {
  readonly expected: string
  readonly base: TestAnswer
  readonly tuned: TestAnswer
}

const plain: SubjectAnswer = {
  text: null,
  lossNats: 1,
  answerTokens: 1,
  labelLogProbs: null,
  labelTokens: null,
  isCut: false,
  run: null,
}

export function measuredOf(rows: readonly TestRow[]): MeasuredAnswers {
  const asked = rows.map(({ base: _, tuned: __, ...row }, index): AskedRow => {
    const rowId = `row-${index}`
    return { rowId, group: rowId, prompt: [{ role: 'user', content: rowId }], fields: {}, ...row }
  })
  const answersOf = (side: 'base' | 'tuned') => rows.map((row) => ({ ...plain, ...row[side] }))
  return {
    rows: asked,
    subjects: [
      { way: 'plain', side: 'base', answers: answersOf('base') },
      { way: 'plain', side: 'tuned', answers: answersOf('tuned') },
    ],
    leftOut: [],
    backend: 'test',
    scoringSeconds: 2,
    answeringSeconds: 1,
  }
}
