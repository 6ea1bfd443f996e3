// What this application is and where it keeps things.
import { defineStore } from 'pinia'
import { ref, shallowRef } from 'vue'
import type { BridgeOutput } from '#shared/bridge.ts'

export const useAbout = defineStore('about', () => {
  const about = shallowRef<BridgeOutput<'app.about'> | null>(null)
  const isUnreachable = ref(false)

  async function load(): Promise<void> {
    if (!window.tunewright) {
      isUnreachable.value = true
      return
    }
    about.value = await window.tunewright.call('app.about', {})
  }

  return { about, isUnreachable, load }
})
