// What went out over the network since the program started.
import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import type { NetworkUse } from '#shared/contract/system.ts'
import { api } from '../api.ts'

export const useNetwork = defineStore('network', () => {
  const use = shallowRef<NetworkUse | null>(null)

  async function load(): Promise<void> {
    const reply = await api.call('system.network', {})
    if (reply.ok) use.value = reply.value
  }

  api.on('network.changed', (changed) => {
    use.value = changed
  })

  return { use, load }
})
