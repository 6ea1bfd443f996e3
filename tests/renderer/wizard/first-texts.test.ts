// Texts of the field count as unread until the newest question about them is answered: "Next" was open meanwhile.
import { afterEach, expect, it, vi } from 'vitest'
import { effectScope, nextTick, shallowRef } from 'vue'
import type { DataCheck, StageCheck } from '#shared/contract/data.ts'
import { ProblemError } from '#shared/result.ts'
import { openTestPage } from '../support/page.ts'

const good: StageCheck = {
  texts: 12,
  columns: ['title', 'body'],
  column: 'body',
  isCut: false,
  leftOut: 0,
  reasons: [],
  isOwnRows: false,
  problem: null,
}
const hurt = { code: 'table.empty', message: 'm', where: 'w', remedy: 'r' } as const
/** What the answers wait for, in the order of the questions. */
const answers: ((check: StageCheck | null) => void)[] = []
openTestPage({
  'data.checkBefore': () =>
    new Promise((resolve, refuse) => {
      answers.push((check) => (check === null ? refuse(new ProblemError(hurt)) : resolve({ check })))
    }),
})
const { useFirstTexts } = await import('#renderer/features/wizard/first-texts.ts')

const scope = effectScope()
afterEach(() => answers.splice(0))

function open(file: string | null) {
  const key = shallowRef(file)
  const rows = shallowRef<DataCheck | null>(null)
  const texts = scope.run(() =>
    useFirstTexts(
      'p',
      () => key.value,
      () => rows.value,
    ),
  )!
  return { key, rows, ...texts }
}

it('are sound where there are none, and unread from the moment that a file is there', async () => {
  const { key, state, check } = open(null)
  expect(state.value).toBe('sound')
  key.value = 'handbook.md:10'
  expect(state.value).toBe('unread')
  await nextTick()
  answers.at(-1)?.(good)
  await vi.waitFor(() => expect(state.value).toBe('sound'))
  expect(check.value?.texts).toBe(12)
  key.value = null
  expect(state.value).toBe('sound')
})

it('are unread again while other rows or another column ask anew, and say what cannot be read', async () => {
  const { rows, state, problem, forget, refresh, check } = open('handbook.md:10')
  expect(state.value).toBe('unread')
  answers.at(-1)?.(good)
  await vi.waitFor(() => expect(state.value).toBe('sound'))
  rows.value = {} as DataCheck
  expect([state.value, check.value?.texts]).toEqual(['unread', 12])
  await nextTick()
  answers.at(-1)?.({ ...good, problem: hurt })
  await vi.waitFor(() => expect(state.value).toBe('unsound'))
  forget()
  expect(state.value).toBe('unread')
  const read = refresh()
  answers.at(-1)?.(null)
  await read
  expect([state.value, problem.value?.code]).toEqual(['unsound', 'table.empty'])
})

it('are not taken for read by a late answer to an older question', async () => {
  const { state, refresh } = open('handbook.md:10')
  const [older] = answers
  const read = refresh()
  older?.(good)
  await nextTick()
  expect(state.value).toBe('unread')
  answers.at(-1)?.(good)
  await read
  expect(state.value).toBe('sound')
})
