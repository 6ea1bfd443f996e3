// Ctrl-C, a polite kill, a closed terminal window: the first asks the program to stop. A closed window reaches a process
// several times, from the terminal and from every process above it that passes it on; so only a second Ctrl-C means "at once".

const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Gives back what ends the listening. */
export function onStopSignal(stop: () => void, endAtOnce: () => void): () => void {
  let isAsked = false
  const listener = (signal: NodeJS.Signals): void => {
    if (isAsked) {
      if (signal === 'SIGINT') endAtOnce()
      return
    }
    isAsked = true
    stop()
  }
  for (const signal of stopSignals) process.on(signal, listener)
  return () => {
    for (const signal of stopSignals) process.off(signal, listener)
  }
}
