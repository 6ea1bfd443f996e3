// What a JavaScript program finds beside the language itself: console, assert, and the module words of Node that answers
// like to end with. Runs inside the sandbox's engine.
export const javascriptPrelude = String.raw`
{
  const print = __print
  delete globalThis.__print
  const show = (value) => { try { return typeof value === 'string' ? value : JSON.stringify(value) ?? String(value) } catch { return String(value) } }
  class AssertionError extends Error { get name() { return 'AssertionError' } }
  const fail = (message, otherwise) => { throw message instanceof Error ? message : new AssertionError(message ?? otherwise) }
  const isSame = (a, b) => {
    if (Object.is(a, b)) return true
    if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
    if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false
    if (a instanceof Date) return a.getTime() === b.getTime()
    if (a instanceof Map) return a.size === b.size && [...a].every(([key, value]) => b.has(key) && isSame(value, b.get(key)))
    if (a instanceof Set) return a.size === b.size && [...a].every((value) => b.has(value) || [...b].some((other) => isSame(value, other)))
    const keys = Object.keys(a)
    return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isSame(a[key], b[key]))
  }
  const assert = (value, message) => { if (!value) fail(message, 'expected something true, got ' + show(value)) }
  const expectSame = (test) => (a, b, message) => { if (!test(a, b)) fail(message, 'expected ' + show(b) + ', got ' + show(a)) }
  const expectOther = (test) => (a, b, message) => { if (test(a, b)) fail(message, 'expected something else than ' + show(b)) }
  assert.ok = assert
  assert.equal = expectSame((a, b) => a == b || (a !== a && b !== b))
  assert.notEqual = expectOther((a, b) => a == b)
  assert.strictEqual = expectSame(Object.is)
  assert.notStrictEqual = expectOther(Object.is)
  assert.deepEqual = assert.deepStrictEqual = expectSame(isSame)
  assert.notDeepEqual = assert.notDeepStrictEqual = expectOther(isSame)
  assert.throws = (work, message) => {
    try { work() } catch { return }
    fail(typeof message === 'string' ? message : undefined, 'expected an error, and none came')
  }
  assert.fail = (message) => fail(message, 'failed')
  assert.strict = assert
  assert.AssertionError = AssertionError
  const log = (...values) => { print(values.map(show).join(' ') + '\n') }
  globalThis.console = { log, info: log, warn: log, error: log, debug: log, assert: (value, ...rest) => { if (!value) fail(rest.map(show).join(' ') || undefined, 'console.assert') } }
  globalThis.assert = assert
  globalThis.module = { exports: {} }
  globalThis.exports = module.exports
  globalThis.require = (name) => {
    if (name === 'assert' || name === 'node:assert' || name === 'assert/strict' || name === 'node:assert/strict') return assert
    throw new Error('there are no modules here: ' + name)
  }
}
`
