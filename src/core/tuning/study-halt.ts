// Why a study's work rests, and who hears of it. One for each study at work.

/** `hours`: outside its schedule; `time`: its budget of wall clock is over; the others are what a person asked for. */
export type HaltReason = 'pause' | 'stop' | 'close' | 'hours' | 'time'

export interface Halt {
  readonly reason: HaltReason | null
  set(reason: HaltReason | null): void
  /** Called when it is set from nothing; gives back what undoes this. */
  onHalt(listener: () => void): () => void
}

export function createHalt(): Halt {
  const listeners = new Set<() => void>()
  let reason: HaltReason | null = null
  return {
    get reason() {
      return reason
    },
    set(next) {
      const isNew = reason === null && next !== null
      reason = next
      if (isNew) for (const listener of [...listeners]) listener()
    },
    onHalt(listener) {
      listeners.add(listener)
      if (reason !== null) listener()
      return () => listeners.delete(listener)
    },
  }
}

/** Wakes all who wait for it, again and again. */
export interface Bell {
  ring(): void
  next(): Promise<void>
}

export function createBell(): Bell {
  let wake: () => void = () => {}
  let next = new Promise<void>((resolve) => {
    wake = resolve
  })
  return {
    ring() {
      const heard = wake
      next = new Promise<void>((resolve) => {
        wake = resolve
      })
      heard()
    },
    next: () => next,
  }
}
