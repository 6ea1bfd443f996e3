// Numbers for people: rounded to what is known, always with their unit.
export function formatBytes(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

/** "8 s", "3 min 20 s", "1 h 05 min". */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`
  return `${Math.floor(seconds / 3600)} h ${String(Math.floor((seconds % 3600) / 60)).padStart(2, '0')} min`
}

/** "+1.5", "-0.3", and "0.0" for what rounds to nothing: a change has a direction only where one is seen. */
export function formatChange(change: number, decimals: number): string {
  const size = Math.abs(change).toFixed(decimals)
  if (Number(size) === 0) return size
  return `${change > 0 ? '+' : '-'}${size}`
}

export interface RoundedTime {
  readonly count: number
  readonly unit: 'seconds' | 'minutes' | 'hours'
}
export const halfHours = (seconds: number): RoundedTime => ({
  count: Math.round(seconds / 1800) / 2,
  unit: 'hours',
})

/** An expected time, rounded to what an estimate can know. */
export function roundAbout(ms: number): RoundedTime {
  const seconds = ms / 1000
  if (seconds < 50) return { count: Math.max(5, Math.round(seconds / 5) * 5), unit: 'seconds' }
  const minutes = Math.max(1, Math.round(seconds / 60))
  if (minutes >= 90) return halfHours(seconds)
  return { count: minutes < 20 ? minutes : Math.round(minutes / 5) * 5, unit: 'minutes' }
}
