// Keeps the computer from sleeping while a run is active, and only then. The screen may still go dark.
import { powerSaveBlocker } from 'electron'

export interface Wakefulness {
  keepAwake(isNeeded: boolean): void
}

export function createWakefulness(): Wakefulness {
  let blockerId: number | null = null
  return {
    keepAwake(isNeeded) {
      if (isNeeded && blockerId === null) blockerId = powerSaveBlocker.start('prevent-app-suspension')
      if (isNeeded || blockerId === null) return
      powerSaveBlocker.stop(blockerId)
      blockerId = null
    },
  }
}
