// The conversations that the page keeps: sent, grown by pieces, stopped, changed and sent again, lost and begun anew.
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { effectScope } from 'vue'
import type { ChatPartner } from '#shared/contract/chat.ts'
import type { CallInput } from '#shared/contract/contract.ts'
import { openTestPage } from '../support/page.ts'

const partner: ChatPartner = {
  modelId: 'm',
  modelName: 'Small',
  isModelHere: true,
  way: 'talks',
  run: {
    id: 'r',
    name: 'Mail',
    projectId: 'p',
    projectName: 'Mail',
    createdAtMs: 1,
    hasAdapter: true,
    namesLabels: false,
    instruction: 'Name the team.',
  },
}

async function open() {
  vi.resetModules()
  const sent: CallInput<'chat.send'>[] = []
  let refuse = false
  const page = openTestPage({
    'chat.send': (input) => {
      // An answer that the page does not understand stands for any refusal.
      if (refuse) return {}
      sent.push(input)
      return { chatId: `c${sent.length}` }
    },
    'chat.stop': () => ({}),
  })
  const { useChats } = await import('#renderer/features/chat/chats.ts')
  const { connectionState } = await import('#renderer/connection.ts')
  const chats = useChats()
  const tell = (chatId: string, side: 'base' | 'tuned', text: string, ended: string | null = null) =>
    page.tell('chat.piece', { chatId, side, text, ended, sentence: null })
  return {
    chats,
    sent,
    tell,
    connectionState,
    calls: page.calls,
    refuseFromNow: () => {
      refuse = true
    },
  }
}
type Page = Awaited<ReturnType<typeof open>>

describe('a conversation', () => {
  let page: Page
  beforeEach(async () => {
    page = await open()
  })

  test('is the same one whenever it is asked for, and takes only pieces of its own answer', async () => {
    const { chats, tell } = page
    const talk = chats.of(partner)
    await talk.send(partner, 'Where is my parcel?', 'shop')
    tell('other', 'base', 'not mine')
    tell('c1', 'base', 'Somewhere')
    tell('c1', 'tuned', 'shop', 'end-of-turn')
    expect(chats.of(partner)).toBe(talk)
    expect(talk.isAnswering.value).toBe(true)
    expect(talk.turns.value).toMatchObject([
      { expected: 'shop', answers: { base: { text: 'Somewhere' }, tuned: { text: 'shop' } } },
    ])
    const alone = chats.of({ ...partner, run: null })
    expect(alone.turns.value).toEqual([])
  })

  test('goes on from each side’s own answers; a changed message takes the place of the last', async () => {
    const { chats, sent, tell } = page
    const talk = chats.of(partner)
    await talk.send(partner, 'one')
    tell('c1', 'base', 'b', 'end-of-turn')
    tell('c1', 'tuned', 't', 'end-of-turn')
    await talk.send(partner, 'two')
    tell('c2', 'base', 'b2', 'end-of-turn')
    tell('c2', 'tuned', 't2', 'end-of-turn')
    talk.beginEdit()
    expect(talk.draft.value).toBe('two')
    await talk.send(partner, 'second')
    expect(talk.turns.value.map(({ text }) => text)).toEqual(['one', 'second'])
    expect(sent[2]?.sides.map(({ messages }) => messages.map(({ content }) => content))).toEqual([
      ['one', 'b', 'second'],
      ['one', 't', 'second'],
    ])
  })

  test('ends at once when it is stopped, also before the program has named the answer', async () => {
    const { chats, calls } = page
    const talk = chats.of(partner)
    const sending = talk.send(partner, 'one')
    await talk.stop()
    expect(talk.isAnswering.value).toBe(false)
    await sending
    expect(calls.map(({ name }) => name)).toEqual(['chat.send', 'chat.stop'])
  })

  test('that is begun anew while an answer is asked for is not grown by it', async () => {
    const { chats, calls, tell } = page
    const talk = chats.of(partner)
    const sending = talk.send(partner, 'one')
    await talk.restart()
    await sending
    tell('c1', 'base', 'late')
    expect(talk.turns.value).toEqual([])
    expect(calls.at(-1)).toEqual({ name: 'chat.stop', input: { chatId: 'c1' } })
  })

  test('says so where the connection is lost, also when the screen that began it was left', async () => {
    const { chats, connectionState, tell } = page
    const screen = effectScope()
    const talk = screen.run(() => chats.of(partner))!
    await talk.send(partner, 'one')
    tell('c1', 'base', 'half')
    screen.stop()
    connectionState.value = 'lost'
    await vi.waitFor(() => expect(talk.isAnswering.value).toBe(false))
    expect(talk.turns.value[0]?.answers.base).toMatchObject({ text: 'half', ended: 'failed' })
  })

  test('that is refused gives the message back', async () => {
    const { chats, refuseFromNow } = page
    refuseFromNow()
    const talk = chats.of(partner)
    await talk.send(partner, 'one')
    expect(talk.turns.value).toEqual([])
    expect(talk.draft.value).toBe('one')
    expect(talk.problem.value?.code).toBe('contract.invalid-output')
  })
})
