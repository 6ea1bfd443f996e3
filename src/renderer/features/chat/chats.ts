// The conversations of this page, one for each model and run. They stay while one goes to other screens; nothing of them
// is kept when the page is closed.
import { defineStore } from 'pinia'
import { computed, effectScope, ref, shallowRef, watch } from 'vue'
import type { ChatPartner } from '#shared/contract/chat.ts'
import type { Problem } from '#shared/result.ts'
import { api } from '../../api.ts'
import { connectionState } from '../../connection.ts'
import { t } from '../../words/index.ts'
import {
  historyOf,
  isAnswering,
  newTurn,
  type SideChoice,
  sidesOf,
  type Turn,
  withEnd,
  withPiece,
} from './conversation.ts'

export interface ChatOptions {
  readonly temperature: number
  readonly maxTokens: number
  readonly seed: number
}

export const keyOf = ({ modelId, run }: Pick<ChatPartner, 'modelId' | 'run'>): string =>
  run === null ? `model:${modelId}` : `run:${run.id}`

export const useChats = defineStore('chats', () => {
  const conversations = new Map<string, Conversation>()
  /** With whom one talked last on the chat screen. */
  const lastKey = ref<string | null>(null)

  function of(partner: ChatPartner): Conversation {
    const key = keyOf(partner)
    const known = conversations.get(key)
    if (known !== undefined) return known
    // A scope of its own: one that a screen asked for would no longer watch the connection once that screen is left.
    const made = effectScope(true).run(createConversation) as Conversation
    conversations.set(key, made)
    return made
  }

  return { of, lastKey }
})

type Conversation = ReturnType<typeof createConversation>

function createConversation() {
  const turns = shallowRef<readonly Turn[]>([])
  const problem = shallowRef<Problem | null>(null)
  /** The last message is being changed, to be sent again in its place. */
  const isEditing = ref(false)
  const draft = ref('')
  const sides = ref<SideChoice>('both')
  const options = shallowRef<ChatOptions>({ temperature: 0, maxTokens: 256, seed: 1 })
  /** The answer that is being written, once the program has named it. */
  let chatId: string | null = null
  /** Counts what was asked, so that a late reply to an earlier question changes nothing. */
  let asked = 0

  api.on('chat.piece', ({ chatId: of, ...piece }) => {
    if (of === chatId) turns.value = withPiece(turns.value, piece)
  })
  watch(connectionState, (state) => {
    if (state !== 'connected') turns.value = withEnd(turns.value, 'failed', t('chat.lost'))
  })

  async function send(partner: ChatPartner, text: string, expected: string | null = null): Promise<void> {
    asked += 1
    const own = asked
    const before = isEditing.value ? turns.value.slice(0, -1) : turns.value
    const speaking = sidesOf(partner, sides.value)
    const { modelId, run } = partner
    turns.value = [...before, newTurn(text, expected, speaking)]
    isEditing.value = false
    problem.value = null
    draft.value = ''
    chatId = null
    const reply = await api.call('chat.send', {
      modelId,
      runId: run?.hasAdapter ? run.id : null,
      sides: speaking.map((side) => ({ side, messages: historyOf(before, side, text) })),
      ...options.value,
    })
    if (own !== asked) {
      if (reply.ok) await api.call('chat.stop', reply.value)
    } else if (reply.ok) {
      chatId = reply.value.chatId
      // Stopped before the program had named it.
      if (!isAnswering(turns.value)) await api.call('chat.stop', reply.value)
    } else {
      turns.value = before
      draft.value = text
      problem.value = reply.problem
    }
  }

  async function stop(): Promise<void> {
    const stopped = chatId
    turns.value = withEnd(turns.value, 'stopped', null)
    if (stopped !== null) await api.call('chat.stop', { chatId: stopped })
  }

  return {
    turns,
    problem,
    isAnswering: computed(() => isAnswering(turns.value)),
    isEditing,
    draft,
    sides,
    options,
    send,
    stop,
    /** Forgets all that was said. */
    async restart() {
      asked += 1
      const wasAnswering = isAnswering(turns.value)
      const stopped = chatId
      turns.value = []
      chatId = null
      isEditing.value = false
      problem.value = null
      if (wasAnswering && stopped !== null) await api.call('chat.stop', { chatId: stopped })
    },
    beginEdit() {
      isEditing.value = true
      draft.value = turns.value.at(-1)?.text ?? ''
    },
    cancelEdit() {
      isEditing.value = false
      draft.value = ''
    },
  }
}
