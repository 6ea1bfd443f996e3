// Trials that words are found in beside the list: their number is of the words that stand there, not of those before.
import { afterEach, expect, it, vi } from 'vitest'
import { effectScope, ref } from 'vue'
import { openTestPage } from './support/page.ts'

/** What is found: runs of their own, and trials. */
const found: Readonly<Record<string, readonly [own: number, trials: number]>> = {
  mail: [2, 3],
  bike: [40, 5],
}
openTestPage({
  'experiments.list': ({ text = '', hasTrials = false }) => {
    const [own, trials] = found[text] ?? [0, 0]
    return { rows: [], total: hasTrials ? own + trials : own }
  },
})
const { useTrialsBeside } = await import('#renderer/features/experiments/trials-beside.ts')
const { readView } = await import('#renderer/features/experiments/experiment-view.ts')

const scope = effectScope()
afterEach(() => scope.stop())

// Bug: "Also found in 43 trials" while the list was still the one before.
it('is counted by the same words, while the list still has what was found by others', async () => {
  const view = readView({})
  const text = ref('mail')
  const listed = ref(2)
  const beside = scope.run(() =>
    useTrialsBeside(
      () => ({ ...view, text: text.value }),
      () => listed.value,
    ),
  )!
  await vi.waitFor(() => expect(beside.value).toBe(3))
  text.value = 'bike'
  const seen = new Set<number>()
  await vi.waitFor(() => {
    seen.add(beside.value)
    expect(beside.value).toBe(5)
  })
  expect([...seen].filter((one) => one !== 0 && one !== 5)).toEqual([])
  text.value = ''
  await vi.waitFor(() => expect(beside.value).toBe(0))
})
