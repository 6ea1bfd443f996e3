import { expect, test } from 'vitest'
import { onStopSignal } from '#core/system/stop-signals.ts'

test('a closed terminal that is told three times stops in order; a second Ctrl-C ends at once (the second SIGHUP did)', () => {
  const heard: string[] = []
  const release = onStopSignal(
    () => heard.push('stop'),
    () => heard.push('at once'),
  )
  for (const signal of ['SIGHUP', 'SIGHUP', 'SIGHUP', 'SIGINT'] as const) process.emit(signal, signal)
  release()
  expect(heard).toEqual(['stop', 'at once'])
  expect(process.listeners('SIGHUP')).toEqual([])
})
