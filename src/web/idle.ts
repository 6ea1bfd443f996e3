// The browser host ends by itself when nobody needs it: half an hour without a page and without work under way.

export const idleLimitMinutes = 30
const minuteMs = 60_000

export interface IdlePorts {
  /** A page is open, or a run or a job is under way. */
  isNeeded(): Promise<boolean>
  end(): void
}

export interface IdleWatch {
  /** Somebody did something: the half hour begins again. */
  touch(): void
  stop(): void
}

/** Minutes are counted by their ticks, so that those in which the computer sleeps do not count. */
export function endWhenIdle({ isNeeded, end }: IdlePorts): IdleWatch {
  let idleMinutes = 0
  const touch = (): void => {
    idleMinutes = 0
  }
  async function passMinute(): Promise<void> {
    idleMinutes += 1
    if (await isNeeded()) touch()
    if (idleMinutes < idleLimitMinutes) return
    stop()
    end()
  }
  const timer = setInterval(() => void passMinute(), minuteMs)
  const stop = (): void => clearInterval(timer)
  return { touch, stop }
}
