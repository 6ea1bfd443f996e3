// The sample answers of a run of the past: the newest first, earlier ones by the buttons, each beside what was said before
// training; texts that somebody else wrote stay text.
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openJournalWriter } from '#journal/writer.ts'
import { training } from '#renderer/words/en/training.ts'
import type { NewEvent } from '#shared/journal-commands.ts'
import { addSampleLibrary, evaluationEvent, good, stepEvent } from '../journal/support/sample.ts'
import { expectAccessible, expectReading } from './support/browser.ts'
import { describeInBrowser } from './support/suite.ts'

const limitMs = 120_000

/** Of three rows: what is asked, what is right, and what was said at steps 0, 30 and 60. */
const rows = [
  {
    prompt: 'I was charged twice for my subscription in October, can you look into it?',
    expected: 'billing',
    said: ['I would be happy to help you with that! To look into', 'billing', 'billing'],
  },
  {
    prompt: 'The app closes as soon as I open the second tab.',
    expected: 'bug',
    said: ['The app closes as soon as you open the second tab because', 'how-to', 'bug'],
  },
  {
    prompt: 'Please stop my plan at the end of May. <b>Thanks</b>',
    expected: 'cancel',
    said: ['', 'how-to', 'how-to'],
  },
] as const

const samplesEvent = (seq: number, step: number, at: number): NewEvent => ({
  seq,
  atMs: 1_750_000_000_000 + seq,
  kind: 'samples',
  body: {
    step,
    durationMs: 900,
    answers: rows.map(({ prompt, expected, said }, index) => ({
      rowId: `row-${index}`,
      prompt,
      expected,
      answer: said[at]!,
      isCut: at === 0 && said[0] !== '',
      isRight: said[at] === expected,
    })),
  },
})

const planEvent = (seq: number): NewEvent => ({
  seq,
  atMs: 1_750_000_000_000,
  kind: 'plan',
  body: { totalSteps: 60, determinism: 'not repeatable', backend: 'none' },
})

async function prepare(home: string): Promise<void> {
  const writer = good(openJournalWriter(join(home, 'journal.db')))
  const { id } = good(writer.createRun(addSampleLibrary(writer)))
  good(writer.startAttempt(id))
  const events = [0, 30, 60].flatMap((step, at) => [
    ...(step === 0 ? [planEvent] : []),
    ...(step === 0 ? [] : [(seq: number) => stepEvent(seq, step, 2 / (at + 1))]),
    (seq: number) => evaluationEvent(seq, step, 2 / (at + 1), true),
    (seq: number) => samplesEvent(seq, step, at),
  ])
  good(
    writer.appendEvents(
      id,
      1,
      events.map((make, index) => make(index + 1)),
    ),
  )
  good(writer.finishRun(id, { reason: 'completed', bestStep: 60, bestLossNats: 0.66, adapterSha256: null }))
  good(writer.close())
}

describeInBrowser('sample answers in a browser', { limitMs, prepare }, (screen) => {
  test('are read step by step', async () => {
    const { page, call, open, complaints } = screen
    const { rows: runs } = await call('experiments.list', {})
    await open(`/runs/${runs[0]!.id}/training`)
    const card = page.getByRole('region', { name: training.samples })
    const answers = () => card.getByRole('listitem').allInnerTexts()
    await card.getByText('after step 60').waitFor()
    expect(await answers()).toEqual([
      expect.stringMatching(
        /charged twice.*billing.*right.*before training: I would be happy to help you with that! To look into …/su,
      ),
      expect.stringMatching(/second tab.*bug.*right/su),
      expect.stringMatching(/<b>Thanks<\/b>.*how-to\s+should be cancel\s+before training: no words/su),
    ])
    await expectReading(screen, 'training', { isAboutComputer: true })
    await expectAccessible(screen)

    const earlier = card.getByRole('button', { name: training.earlierAnswers })
    const later = card.getByRole('button', { name: training.laterAnswers })
    expect(await later.isDisabled()).toBe(true)
    await earlier.focus()
    await page.keyboard.press('Enter')
    await card.getByText('after step 30').waitFor()
    expect((await answers())[1]).toMatch(/how-to\s+should be bug/u)
    await page.keyboard.press('Enter')
    await card.getByText('before training, to').waitFor()
    expect((await answers())[0]).toMatch(/To look into … and goes on\s+should be billing$/u)
    expect((await answers())[2]).toMatch(/no words\s+should be cancel$/u)
    expect(await earlier.isDisabled()).toBe(true)
    await later.click()
    await card.getByText('after step 30').waitFor()
    expect(complaints).toEqual([])
  })
})
