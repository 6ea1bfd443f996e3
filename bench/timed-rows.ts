// A table of times for a bench: median and slowest of some tries, and beside them the processor's time, which a busy machine
// leaves nearly as it is.
import { loadavg } from 'node:os'

export const loadNow = (): string => `load ${loadavg()[0]?.toFixed(1)}`
export const row = (...cells: string[]): void => console.log(`| ${cells.join(' | ')} |`)

export function head(): void {
  row('what', 'median', 'slowest', 'processor')
  row('---', '---', '---', '---')
}

/** Each try gets its number, the first of them, which is not counted, 0. */
export async function measure(what: string, work: (at: number) => unknown, times = 9): Promise<void> {
  await work(0)
  const found: number[] = []
  const before = process.cpuUsage()
  for (let at = 1; at <= times; at++) {
    const beginMs = performance.now()
    await work(at)
    found.push(performance.now() - beginMs)
  }
  const { user, system } = process.cpuUsage(before)
  found.sort((a, b) => a - b)
  const ms = (at: number): string => `${(found[at] ?? 0).toFixed(0)} ms`
  row(what, ms(Math.floor(times / 2)), ms(times - 1), `${((user + system) / 1000 / times).toFixed(0)} ms`)
}
