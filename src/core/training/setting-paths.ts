// Settings by path, as flags, plans and comparisons name them: "method.rank". Pure.

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

/** Every field of `value` by its path; lists are values. */
export function settingsByPath(value: unknown): Map<string, Json> {
  const found = new Map<string, Json>()
  const walk = (path: string, inner: unknown): void => {
    if (inner !== null && typeof inner === 'object' && !Array.isArray(inner))
      for (const [key, field] of Object.entries(inner)) walk(path === '' ? key : `${path}.${key}`, field)
    else found.set(path, inner as Json)
  }
  walk('', value)
  return found
}

const forbiddenNames: ReadonlySet<string> = new Set(['', '__proto__', 'constructor', 'prototype'])

/** The names on the way to a setting; null for what can be no path of one. */
export function stepsOf(path: string): string[] | null {
  const steps = path.split('.')
  return steps.some((step) => forbiddenNames.has(step)) ? null : steps
}

/** Sets the field at `steps`. What lies on the way is copied, so that nothing else that holds it changes. */
export function setAt(
  target: Record<string, unknown>,
  [step = '', ...rest]: readonly string[],
  value: unknown,
): void {
  if (rest.length === 0) {
    target[step] = value
    return
  }
  const inner = Object.hasOwn(target, step) ? target[step] : undefined
  const next: Record<string, unknown> =
    inner !== null && typeof inner === 'object' && !Array.isArray(inner) ? { ...inner } : {}
  target[step] = next
  setAt(next, rest, value)
}
