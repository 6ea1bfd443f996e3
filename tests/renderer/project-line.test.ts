import { describe, expect, it } from 'vitest'
import { projectLine, searchState } from '#renderer/features/projects/project-line.ts'
import type { ProjectCard } from '#shared/contract/projects.ts'

const card: ProjectCard = {
  project: {
    id: 'p',
    createdAtMs: 0,
    name: 'Mail',
    scenario: 'classification',
    goal: '',
  },
  runs: 0,
  rows: null,
  lastActivityMs: Date.now(),
  best: null,
  activeRunId: null,
  hasSample: false,
}
const best = {
  runId: 'r',
  verdict: 'better',
  metric: 'accuracy',
  tuned: { value: 0.91, low: 0.87, high: 0.94 },
  base: { value: 0.34, low: 0.3, high: 0.4 },
} as const

describe('the line of a project', () => {
  it('says what there is', () => {
    expect(projectLine(card)).toBe('no run yet · last used just now')
    expect(projectLine({ ...card, rows: 1412, runs: 2, hasSample: true })).toBe(
      '1,412 rows · 2 runs · with sample rows · last used just now',
    )
    expect(projectLine({ ...card, runs: 1, activeRunId: 'r' })).toBe('training now · last used just now')
  })

  it('says what came of it', () => {
    expect(projectLine({ ...card, runs: 1, best })).toBe(
      '1 run · last used just now · better than the base model: 91 % (87 % to 94 %), was 34 %',
    )
  })

  it('writes a score as its field does, not as per cent', () => {
    const scored = { ...best, metric: 'bleu', verdict: 'worse' } as const
    expect(projectLine({ ...card, best: scored })).toContain(
      'worse than the base model: 91.0 (87.0 to 94.0), was 34.0',
    )
  })
})

describe('a search of a project that is not over', () => {
  it('says how it stands, and for what it waits', () => {
    expect(searchState({ status: 'paused', waiting: 'It is paused.' })).toBe('is paused.')
    expect(searchState({ status: 'running', waiting: null })).toBe('is under way.')
    const hours = 'It works only between 22:00 and 07:00, and goes on at 22:00.'
    expect(searchState({ status: 'waiting', waiting: hours })).toBe(`waits. ${hours}`)
    expect(searchState({ status: 'waiting', waiting: null })).toBe('waits.')
  })
})
