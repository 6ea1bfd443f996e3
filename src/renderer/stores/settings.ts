// The program's settings as this page knows them: loaded once, changed through the contract, followed by event.
import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import { type Settings, settings as settingsSchema } from '#shared/contract/system.ts'
import type { Result } from '#shared/result.ts'
import { api } from '../api.ts'

export const useSettings = defineStore('settings', () => {
  const current = shallowRef<Settings>(settingsSchema.parse({}))

  /** Without an answer the usual settings stand; that the program is not reached is said by the frame. */
  async function load(): Promise<void> {
    const reply = await api.call('settings.get', {})
    if (reply.ok) current.value = reply.value
  }

  /** Only what is named changes. The screen shows the answer, not the wish. */
  async function change(changes: Partial<Settings>): Promise<Result<Settings>> {
    const reply = await api.call('settings.set', changes)
    if (reply.ok) current.value = reply.value
    return reply
  }

  api.on('settings.changed', (changed) => {
    current.value = changed
  })

  return { current, load, change }
})
