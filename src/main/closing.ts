// What a closed window does, decided without Electron: with a run active the program goes on behind a tray entry or, where
// the desktop has no place for one, as a small window in its task bar; else, or where the person wants it so, it ends.
export type Closing = 'end' | 'hide' | 'minimize'

export interface ClosingFacts {
  readonly isQuitting: boolean
  readonly activeRuns: number
  readonly keepsRunning: boolean
  readonly hasTray: boolean
}

export function closingOf({ isQuitting, activeRuns, keepsRunning, hasTray }: ClosingFacts): Closing {
  if (isQuitting || activeRuns === 0 || !keepsRunning) return 'end'
  return hasTray ? 'hide' : 'minimize'
}
