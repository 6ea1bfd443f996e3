// JSON as it is stored. Refuses what JSON would change without a word: NaN, Infinity, undefined in a list, functions,
// dates, cycles. Minus zero becomes zero; a property that is undefined is left out.
import { refuse } from './problems.ts'

const mostDepth = 200

/** The value as JSON text that gives the same value back; `where` names it in the Problem. */
export function jsonText(value: unknown, where: string): string {
  checkJson(value, where, 0)
  return JSON.stringify(value)
}

function checkJson(value: unknown, where: string, depth: number): void {
  if (depth > mostDepth) refuseValue(where, 'is nested too deeply or contains itself')
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) refuseValue(where, `is ${value}`)
    return
  }
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) checkJson(value[i], `${where}[${i}]`, depth + 1)
    return
  }
  if (typeof value !== 'object') refuseValue(where, `is of type ${typeof value}`)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) refuseValue(where, 'is not a plain object')
  for (const [key, part] of Object.entries(value)) {
    if (key === 'toJSON') refuseValue(where, 'has a key named toJSON')
    if (part !== undefined) checkJson(part, `${where}.${key}`, depth + 1)
  }
}

function refuseValue(where: string, reason: string): never {
  refuse(
    'journal.invalid',
    `A value cannot be kept exactly: it ${reason}.`,
    where.slice(0, 500),
    'Give text, finite numbers, true, false, null, lists or plain objects.',
  )
}
