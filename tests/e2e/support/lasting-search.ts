// A search over settings in a program that is ended and opened again, in a window or in a browser: what both are asked.
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { studies } from '#renderer/words/en/studies.ts'
import { messagesCsv } from '../../processes/trainer/tiny-run.ts'
import type { TestBrowser } from './browser.ts'
import { makeProject } from './library.ts'

/** A program over a library while it is open. */
export interface LastingProgram {
  readonly page: Page
  /** What its console said that nobody should see. */
  readonly complaints: readonly string[]
  /** The contract directly, beside the page; a refusal is thrown. */
  readonly call: TestBrowser['call']
  /** Ends it as a person does. */
  close(): Promise<void>
}

const trials = 4
/** Trials of a second or two: long enough to be met at work. */
const changes = { 'duration.maxSteps': 30, 'batch.maxTokens': 256, 'checkpoints.everySeconds': null }

/** A search of four short trials that is not checked with other seeds. */
export async function startSearch({ call }: LastingProgram): Promise<string> {
  const { projectId } = await makeProject(call, {
    name: 'Teams',
    csv: messagesCsv(60),
    draft: { instruction: 'Name the team.' },
  })
  const plan = { projectId, preset: 'quick', changes, effort: 'short' } as const
  const { studyId } = await call('studies.start', {
    ...plan,
    ...{ budget: { trials }, confirmSeeds: 1, isPruned: false },
  })
  return studyId
}

/** Until more than this many trials have come to their end and the next one has made steps. */
export async function followTrial({ call }: LastingProgram, studyId: string, ended: number): Promise<void> {
  const isThere = async (): Promise<boolean> => {
    const { study, trials } = await call('studies.get', { studyId })
    const runId = trials.find(({ status }) => status === 'planned')?.runId
    if (study.trials.complete <= ended || !runId) return false
    return (await call('training.get', { runId })).state.step > 0
  }
  await expect.poll(isThere, { timeout: 60_000 }).toBe(true)
}

/** It goes on by itself to its end, and every trial counts once, whatever happened to the program meanwhile. */
export async function expectWholeSearch({ call }: LastingProgram, studyId: string): Promise<void> {
  const viewOf = () => call('studies.get', { studyId })
  await expect.poll(async () => (await viewOf()).study.status, { timeout: 90_000 }).toBe('finished')
  expect((await viewOf()).trials.map(({ number, status }) => [number, status])).toEqual(
    Array.from({ length: trials }, (_, number) => [number, 'complete']),
  )
}

/** Its screen, from the journal alone. */
export async function expectSearchScreen({ page, complaints }: LastingProgram, studyId: string) {
  await page.evaluate((id) => {
    window.location.hash = `#/studies/${id}`
  }, studyId)
  await page
    .getByRole('heading', { level: 1, name: /^Lowest loss .*, not checked with other seeds$/ })
    .waitFor()
  const table = page.getByRole('region', { name: studies.trials.region })
  await table.getByRole('rowheader', { name: `Trial ${trials}` }).waitFor()
  await page.locator('canvas').first().waitFor()
  expect(complaints).toEqual([])
}
