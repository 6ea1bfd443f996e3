// Searches over settings: one is set up, started from the plan, paused, gone on with after the page was closed, read, and
// made the plan; those of last year are read from the journal alone, with no model there. The queue is moved.
import { describe, expect, test } from 'vitest'
import { nameInTable } from '#renderer/features/studies/study-story.ts'
import { common } from '#renderer/words/en/common.ts'
import { studies } from '#renderer/words/en/studies.ts'
import { wizard } from '#renderer/words/en/wizard.ts'
import type { CallInput } from '#shared/contract/contract.ts'
import { messagesCsv } from '../processes/trainer/tiny-run.ts'
import { expectAccessible, expectReading, soon, type TestBrowser } from './support/browser.ts'
import { addModel, makeProject } from './support/library.ts'
import { makePastStudies, pastStudies } from './support/past-studies.ts'
import { expectScrollsInside } from './support/sideways.ts'
import { describeInBrowser } from './support/suite.ts'

const limitMs = 180_000

/** Trials of a second each. */
const changes = {
  threads: 1,
  'duration.maxSteps': 12,
  'batch.maxTokens': 256,
  'checkpoints.everySeconds': null,
}

describe('searches over settings', () => {
  describeInBrowser('in a browser', { limitMs, prepare: addModel }, (screen) => {
    const studyIdOf = (): string => /#\/studies\/([^/?]+)/.exec(screen.page.url())?.[1] ?? ''
    const statusOf = async (studyId: string) => (await screen.call('studies.get', { studyId })).study.status
    const makeSearchable = (name: string) =>
      makeProject(screen.call, {
        name,
        csv: messagesCsv(60),
        draft: {
          instruction: 'Answer with money, shipping or access.',
          preset: 'quick',
          changes,
        },
      })

    test('one goes its whole way: set up from the plan, started, paused, gone on with, read, made the plan', async () => {
      const { page, call, complaints } = screen
      const { projectId } = await makeSearchable('Shop messages')
      await screen.open(`/projects/${projectId}/plan`)
      await page.getByRole('link', { name: studies.start.button }).click()
      await screen.heading(studies.start.heading)
      await chooseHours(screen)
      await setUp(screen)
      await screen.button(studies.start.begin).click()
      await page.waitForURL(/#\/studies\/study-/)
      const studyId = studyIdOf()

      await screen.button(studies.pause).click()
      await screen.heading(/^Paused/)
      await expect.poll(() => statusOf(studyId), soon).toBe('paused')
      const before = (await call('studies.get', { studyId })).trials.length
      await expectFoundPaused(screen, studyId)
      await changeHours(screen, studyId)
      await page.reload()
      await screen.heading(/^Paused/)
      await screen.button(studies.resume).click()
      // The page is not needed for it.
      await screen.open('/models')
      await expect.poll(() => statusOf(studyId), { timeout: 90_000 }).toBe('finished')
      expect(before).toBeLessThanOrEqual(4)

      await screen.open(`/studies/${studyId}`)
      const view = await call('studies.get', { studyId })
      expect(view.trials.filter(({ purpose }) => purpose === 'search')).toHaveLength(4)
      await page.getByText(view.verdict.sentence).waitFor()
      const table = page.getByRole('region', { name: studies.trials.region })
      await table.getByRole('button', { name: studies.trials.loss, exact: true }).click()
      const lowest = view.trials
        .filter(({ lossNats }) => lossNats !== null)
        .sort((a, b) => (a.lossNats ?? 0) - (b.lossNats ?? 0))[0]!
      await expect
        .poll(() => table.getByRole('rowheader').first().textContent(), soon)
        .toContain(nameInTable(lowest, view.trials))
      await page.getByRole('heading', { name: studies.seeds.heading }).waitFor()

      if (view.adoptable === null) throw new Error('nothing to make the plan of')
      const { settings } = view.trials[view.adoptable]!
      await screen.button(studies.adopt).click()
      await screen.heading(wizard.plan.heading)
      const { draft } = await call('projects.get', { projectId })
      expect(draft.changes['optimizer.learningRate']).toBe(settings['optimizer.learningRate'])
      await page.getByRole('link', { name: `From the search “${view.study.name}”` }).waitFor()
      expect(complaints).toEqual([])
    })

    /** A paused search stands in no queue: the top bar and its project's card lead to it. */
    async function expectFoundPaused({ page, open }: TestBrowser, studyId: string): Promise<void> {
      await open('/')
      const card = page.getByRole('listitem').filter({ hasText: 'is paused.' })
      await card.getByRole('link', { name: /^Search “/ }).click()
      await page.waitForURL(`**/studies/${studyId}`)
      await open('/models')
      await page.getByRole('link', { name: '1 search paused' }).click()
      await page.waitForURL(`**/studies/${studyId}`)
    }

    const hoursOf = ({ page }: TestBrowser) => {
      const group = page.getByRole('group', { name: studies.night.title })
      const field = (end: 'from' | 'to') =>
        group.getByRole('textbox', { name: studies.night[end], exact: true })
      return { from: field('from'), to: field('to'), isOn: group.getByRole('switch') }
    }

    /** Over night it works at night, at a person's own hours; then a short one, which works at any. */
    async function chooseHours(screen: TestBrowser): Promise<void> {
      const { page, button } = screen
      const { from, to, isOn } = hoursOf(screen)
      await expect
        .poll(() => Promise.all([from.inputValue(), to.inputValue()]), soon)
        .toEqual(['22:00', '07:00'])
      await to.fill('22:00')
      await page.getByText(studies.wrong.night).waitFor()
      await to.fill('6')
      await page.getByText(studies.wrong.time).waitFor()
      expect(await button(studies.start.begin).isDisabled()).toBe(true)
      await to.fill('06:30')
      await page.getByText(studies.wrong.time).waitFor({ state: 'detached' })
      await page.getByText(studies.terms.heading).click()
      await page.getByText(studies.terms.of.sobol.text).waitFor()
      // Away from below the top bar, where fields are too small to hit.
      await page.getByRole('heading', { level: 1 }).scrollIntoViewIfNeeded()
      await expectAccessible(screen)
      await page.getByRole('radio', { name: studies.start.efforts.short.title }).check()
      expect([await isOn.getAttribute('aria-checked'), await from.count()]).toEqual(['false', 0])
    }

    /** Of one that is paused; the hours are kept when a field is left, and what is wrong is not. */
    async function changeHours(screen: TestBrowser, studyId: string): Promise<void> {
      const { from, to, isOn } = hoursOf(screen)
      const scheduleOf = async () => (await screen.call('studies.get', { studyId })).study.schedule
      await isOn.click()
      await expect.poll(scheduleOf, soon).toEqual({ fromMinute: 1320, toMinute: 420 })
      await from.fill('20:15')
      await from.press('Enter')
      await expect.poll(scheduleOf, soon).toEqual({ fromMinute: 1215, toMinute: 420 })
      await to.fill('noon')
      await to.press('Tab')
      await screen.page.getByText(studies.wrong.time).waitFor()
      expect(await scheduleOf()).toEqual({ fromMinute: 1215, toMinute: 420 })
      await expectAccessible(screen)
      await isOn.click()
      await expect.poll(scheduleOf, soon).toBe(null)
    }

    /** Four fields that are wrong are said in words; then a search of four short trials. */
    async function setUp({ page, button }: TestBrowser): Promise<void> {
      await page.getByRole('radio', { name: studies.start.limits.trials }).check()
      const trials = page.getByRole('textbox', { name: studies.start.trialsField })
      await trials.fill('none')
      await page.getByText(studies.wrong.trials).waitFor()
      expect(await button(studies.start.begin).isDisabled()).toBe(true)
      await trials.fill('4')
      await button(studies.start.fine).click()
      const drawer = page.getByRole('dialog')
      const low = drawer.getByRole('textbox', { name: 'How strongly it learns: From' })
      await low.fill('0.9')
      await drawer.getByText(studies.wrong.lowFirst).waitFor()
      await low.fill('0.0001')
      const seeds = drawer.getByRole('textbox', { name: studies.fine.confirmSeeds })
      await seeds.fill('11')
      await drawer.getByText(studies.wrong.seeds).waitFor()
      await seeds.fill('2')
      await drawer.getByText(studies.wrong.seeds).waitFor()
      await seeds.fill('3')
      await expectAccessible(screen)
      await drawer.getByRole('button', { name: common.close, exact: true }).last().click()
      await page.getByText('It ends after 4 trials.').waitFor()
      await expectAccessible(screen)
    }

    test('two wait in the queue, are moved and taken out; a search is stopped for good and removed', async () => {
      const { page, call, complaints } = screen
      const { projectId } = await makeSearchable('Long ones')
      const own = { ...changes, 'duration.maxSteps': 9000, 'duration.epochs': 900 }
      const plan = { projectId, preset: 'quick' as const, changes: own }
      const start = async (name: string, more: Partial<CallInput<'studies.start'>> = {}) =>
        (await call('studies.start', { ...plan, effort: 'short', name, ...more })).studyId
      const both = { trials: 7, workMs: 5_400_000 }
      const first = await start('First search', { budget: both, sampler: 'random' })
      await expect.poll(() => statusOf(first), soon).toBe('running')
      const second = await start('Second search')
      await start('Third search')
      await page.getByRole('button', { name: '2 wait' }).click()
      const queue = page.getByRole('region', { name: studies.queue.title })
      const waiting = () =>
        queue
          .getByRole('button', { name: /^Take / })
          .evaluateAll((all) => all.map((one) => one.getAttribute('aria-label')))
      await expect.poll(waiting, soon).toEqual(['Take Second search out', 'Take Third search out'])
      await queue.getByRole('button', { name: 'Move Third search up' }).press('Enter')
      await expect.poll(waiting, soon).toEqual(['Take Third search out', 'Take Second search out'])
      // Bug to guard against: a line that moves takes the keyboard away.
      await queue
        .getByRole('button', { name: 'Move Third search down' })
        .and(page.locator(':focus'))
        .waitFor()
      await expectAccessible(screen)
      await queue.getByRole('button', { name: 'Take Second search out' }).click()
      await expect.poll(waiting, soon).toEqual(['Take Third search out'])
      expect(await statusOf(second)).toBe('paused')
      await page.keyboard.press('Escape')

      await screen.open(`/studies/${first}`)
      await screen.button(studies.stop).click()
      const dialog = page.getByRole('dialog', { name: studies.stopDialog.title })
      await expectAccessible(screen)
      await dialog.getByRole('button', { name: studies.stopDialog.confirm }).click()
      await dialog.waitFor({ state: 'detached' })
      await expect.poll(() => statusOf(first), soon).toBe('stopped')

      // Bug: of two limits one was lost where another search goes on from it, and what chooses the next trial.
      await screen.open(`/studies/new?project=${projectId}&wider=${first}`)
      const hours = page.getByRole('textbox', { name: studies.start.hoursField, exact: true })
      await expect.poll(() => hours.inputValue(), soon).toBe('1.5')
      await page.getByText('And at most 7 trials, as before').waitFor()
      await page.getByText(/^It ends after 7 trials or after 1 h 30 min of work/).waitFor()
      await page.getByText('Each takes its values by chance (random).').waitFor()
      await expectAccessible(screen)
      await screen.open(`/studies/${first}`)
      // Bug: given up, the keyboard went to the heading.
      const remover = screen.button(studies.remove.open)
      for (const giveUp of [
        () => page.keyboard.press('Escape'),
        () => screen.button(common.cancel).click(),
      ]) {
        await remover.press('Enter')
        await page.getByRole('dialog').waitFor()
        await giveUp()
        await remover.and(page.locator(':focus')).waitFor()
      }
      await remover.click()
      await page.getByRole('dialog').getByRole('button', { name: studies.remove.confirm }).click()
      await page.waitForURL(/#\/experiments/)
      expect((await call('studies.list', {})).studies.map(({ name }) => name).sort()).toEqual([
        'Second search',
        'Third search',
      ])
      expect(complaints).toEqual([])
    })
  })

  describeInBrowser(
    'of last year',
    { limitMs, prepare: (home) => makePastStudies(home), isShared: true },
    (screen) => {
      const open = async (name: string): Promise<void> => {
        const found = (await screen.call('studies.list', {})).studies.find((study) => study.name === name)
        await screen.open(`/studies/${found?.id}`)
        await screen.heading(/./)
        await screen.page.getByRole('textbox', { name: studies.about.name }).waitFor()
      }

      test('are read from the journal alone, and annotated', async () => {
        const { page, call, complaints } = screen
        expect((await call('models.list', {})).models).toEqual([])
        await open(pastStudies.night)
        await screen.heading(/^Better than the plan: a mean loss of 0\.57 instead of 0\.64$/)
        await page.locator('canvas').first().waitFor()
        // What mattered is worked out after the first answer.
        const mattered = page.getByRole('region', { name: studies.mattered.heading })
        await mattered.getByRole('listitem').first().waitFor()
        await expectReading(screen, 'study')
        await expectAccessible(screen)
        await expectScrollsInside(page, studies.trials.region)
        await expectWaysInView()
        await page.getByRole('radio', { name: studies.chart.byTime }).check()
        await page.getByRole('radio', { name: studies.fronts.against.size }).check()
        await page.getByRole('button', { name: 'Show 6 more' }).click()
        await expect
          .poll(() => page.getByRole('rowheader', { name: /^(Trial|Confirming run)/ }).count(), soon)
          .toBeGreaterThan(35)

        await page.getByRole('textbox', { name: studies.about.notes }).fill('A higher rank does not help.')
        await page.getByRole('textbox', { name: studies.about.name }).fill('')
        await page.keyboard.press('Enter')
        await page.getByText(studies.about.nameMissing).waitFor()
        await page.getByRole('textbox', { name: studies.about.name }).fill('Rank and rate')
        await page.keyboard.press('Enter')
        await page.getByText(studies.about.saved, { exact: true }).waitFor()
        await page.reload()
        await expect
          .poll(() => page.getByRole('textbox', { name: studies.about.notes }).inputValue(), soon)
          .toBe('A higher rank does not help.')
        expect((await call('studies.list', {})).studies.map(({ name }) => name)).toContain('Rank and rate')
        // Its trial leads to its run.
        await page.getByRole('link', { name: 'Trial 3', exact: true }).click()
        await page.waitForURL(/#\/runs\/.+\/training/)
        expect(complaints).toEqual([])
      })

      /** Bug: with many settings the way to a recipe lay outside. */
      async function expectWaysInView(): Promise<void> {
        const region = screen.page.getByRole('region', { name: studies.trials.region })
        const way = region.getByRole('button', { name: studies.adoptShort }).first()
        await region.evaluate((box) => {
          box.style.width = '500px'
          box.scrollLeft = 0
        })
        const [outer, inner] = [await region.boundingBox(), await way.boundingBox()]
        if (outer === null || inner === null) throw new Error('no table of trials')
        expect(inner.x + inner.width).toBeLessThanOrEqual(outer.x + outer.width)
        await region.evaluate((box) => box.style.removeProperty('width'))
      }

      test('say that nothing was found where every trial failed', async () => {
        const { page, complaints } = screen
        await open(pastStudies.broken)
        await screen.heading(studies.heading.allFailed)
        await page.getByText('The loss was no number any more at step 12.').first().waitFor()
        expect(await screen.button(studies.adopt).count()).toBe(0)
        await expectReading(screen, 'study-failed')
        await expectAccessible(screen)
        expect(complaints).toEqual([])
      })

      test('a search cannot begin where no project has a model, and says what it needs', async () => {
        await screen.open('/studies/new')
        await screen.page.getByText(studies.start.noProject).waitFor()
        await expectReading(screen, 'study-new-none')
        await expectAccessible(screen)
      })

      test('a search that is not there says so', async () => {
        await screen.open('/studies/study-none')
        await screen.page.getByRole('alert').waitFor()
      })
    },
  )
})
