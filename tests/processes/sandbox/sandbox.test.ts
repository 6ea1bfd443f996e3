// The sandbox: right programs pass, wrong ones do not, and nothing gets out of it or uses the computer up. One real
// process per language, as a proof has it.
import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CodeRunner, createCodeRunner, defaultSandboxLimits } from '#core/proof/code-runner.ts'
import { createNodeLauncher, launchSettings } from '#core/system/launcher.ts'
import { unwrap } from '#shared/result.ts'
import type { ProgramLanguage, ProgramOutcome } from '#shared/sandbox-protocol.ts'
import {
  type Escape,
  escapedFile,
  javascriptEscapes,
  javascriptTests,
  joinPython,
  pythonEscapes,
  pythonTests,
} from './escapes.ts'

let runner: CodeRunner
/** Shorter than the product's 5 s, for those that only time ends; whatever else is slow has the whole time. */
let impatient: CodeRunner
beforeAll(() => {
  runner = createCodeRunner(createNodeLauncher())
  impatient = createCodeRunner(createNodeLauncher(), { ...defaultSandboxLimits, timeMs: 1_000 })
})
afterAll(() => {
  runner.close()
  impatient.close()
})

const outcomeOf = async (language: ProgramLanguage, code: string, tests: string): Promise<ProgramOutcome> =>
  unwrap(await runner.run({ language, code, tests }))

async function expectRefused(language: ProgramLanguage, { code, ends }: Escape, tests: string) {
  const ofTime = ends?.every((end) => end === 'time')
  const outcome = unwrap(await (ofTime ? impatient : runner).run({ language, code, tests }))
  expect(outcome.passed).toBe(false)
  expect(ends ?? ['test-failed', 'error']).toContain(outcome.end)
  expect(outcome.reason).not.toBeNull()
}

const passes = { passed: true, end: 'passed', reason: null }

const quietAtOnce = 16

describe('Python', { timeout: 60_000 }, () => {
  const run = (code: string, tests: string) => outcomeOf('python', code, tests)

  test('a right program passes, with the standard library and with what it prints', async () => {
    const code =
      'import math, re, collections, heapq\ndef area(r):\n    print("area of", r)\n    return math.pi * r * r'
    expect(await run(code, 'assert round(area(2), 3) == 12.566\nassert area(0) == 0')).toEqual(passes)
  })

  test('a wrong one does not, and the test is named', async () => {
    expect(await run('def f(n): return n + 1', 'assert f(1) == 2\nassert f(2) == 4')).toEqual({
      passed: false,
      end: 'test-failed',
      reason: 'A test does not hold at assert f(2) == 4',
    })
  })

  test.each([
    ['def f(:', 'SyntaxError'],
    ['def g(): pass', "NameError: name 'f' is not defined"],
    ['def f(n): return {}[n]', 'KeyError'],
  ])('%j ends in an error that is told', async (code, words) => {
    const outcome = await run(code, 'assert f(1)')
    expect(outcome).toMatchObject({ passed: false, end: 'error' })
    expect(outcome.reason).toContain(words)
  })

  test('without a test nothing is said', async () => {
    expect(await run('def f(): pass', '\n')).toMatchObject({ passed: false, end: 'no-tests' })
  })

  test('nothing of a program is left for the next', async () => {
    const code =
      'import builtins, math, sys\nbuiltins.len = lambda _: 7\nmath.pi = 3\nsys.left = 1\nopen("/tmp/left", "w").write("x")'
    expect(await run(code, 'assert len([]) == 7 and math.pi == 3')).toEqual(passes)
    expect(
      await run(
        'import math, os, sys',
        'assert len([]) == 0 and math.pi > 3.1 and not hasattr(sys, "left") and not os.path.exists("/tmp/left")',
      ),
    ).toEqual(passes)
  })

  test('what is refused without a sound gains nothing', async () => {
    const quiet = pythonEscapes.filter(({ isQuiet, isSlow }) => isQuiet && !isSlow)
    expect(quiet.length).toBeGreaterThan(20)
    // Not all in one program, which could take longer than it may on a machine that is busy.
    for (let from = 0; from < quiet.length; from += quietAtOnce)
      expect(
        await run(joinPython(quiet.slice(from, from + quietAtOnce)), 'assert gained == [], gained'),
      ).toEqual(passes)
  })

  // In the process that the refused programs left, so before those that end it.
  test('what a program left in the prototypes of its bridge harms nothing after it', async () => {
    expect(await run('def f(): return 1', 'assert f() == 1')).toEqual(passes)
    expect(existsSync(escapedFile)).toBe(false)
  })

  test.each(pythonEscapes.filter(({ isQuiet, isSlow }) => !isQuiet && !isSlow))('$name is refused', (one) =>
    expectRefused('python', one, pythonTests),
  )
})

describe('JavaScript', { timeout: 60_000 }, () => {
  const run = (code: string, tests: string) => outcomeOf('javascript', code, tests)

  test.each([
    ['function f(n) { return 2 * n }', 'assert(f(2) === 4)'],
    ['const f = (n) => [n, { a: n }]', 'assert.deepStrictEqual(f(1), [1, { a: 1 }])'],
    ['function f() { throw new TypeError("no") }', 'assert.throws(() => f())'],
    ['const f = async (n) => n + 1', 'assert.equal(await f(1), 2)'],
    [
      'module.exports = { f: (n) => n }',
      "const assert2 = require('assert')\nassert2.equal(module.exports.f(3), 3)",
    ],
    [
      'function f() { console.log("hi", [1]); return new Map([[1, 2]]) }',
      'assert.deepEqual(f(), new Map([[1, 2]]))',
    ],
  ])('%j passes', async (code, tests) => {
    expect(await run(code, tests)).toEqual(passes)
  })

  test.each([
    ['const f = (n) => n', 'assert.equal(f(1), 2)', 'test-failed', 'expected 2, got 1'],
    ['const f = (n) => n', 'console.assert(f(1) === 2, "one is two")', 'test-failed', 'one is two'],
    ['const f = async () => { throw new Error("late") }', 'await f()', 'error', 'late'],
    ['const f = () => new Promise(() => {})', 'await f()', 'error', 'never comes'],
    ['const f = (', 'f()', 'error', 'SyntaxError'],
    ['const g = 1', 'f()', 'error', 'ReferenceError'],
  ])('%j does not pass %j', async (code, tests, end, words) => {
    const outcome = await run(code, tests)
    expect(outcome).toMatchObject({ passed: false, end })
    expect(outcome.reason).toContain(words)
  })

  test('nothing of a program is left for the next', async () => {
    expect(await run('globalThis.left = 1; Array.prototype.at = () => 7', 'assert([].at(0) === 7)')).toEqual(
      passes,
    )
    expect(await run('', 'assert(typeof left === "undefined" && [3].at(0) === 3)')).toEqual(passes)
  })

  test.each(javascriptEscapes.filter(({ isSlow }) => isSlow !== true))('$name is refused', (one) =>
    expectRefused('javascript', one, javascriptTests),
  )
})

test('the process has no environment, may write and start nothing, and turns no text into code', () => {
  const { flags, environment } = launchSettings('sandbox')
  expect(environment).toEqual({})
  expect(flags).toContain('--permission')
  expect(flags).toContain('--disallow-code-generation-from-strings')
  expect(flags.join(' ')).not.toMatch(/allow-(fs-write|child-process|worker|addons|wasi)/)
  expect(launchSettings('scorer').environment).toBeNull()
  expect(launchSettings('trainer').environment).toMatchObject({
    PATH: process.env.PATH,
    MALLOC_ARENA_MAX: '1',
  })
})

test('a call after the end opens a new sandbox; a call that waits at the end gets a Problem', async () => {
  const other = createCodeRunner(createNodeLauncher())
  const waiting = other.run({ language: 'javascript', code: '', tests: 'assert(true)' })
  await new Promise((resolve) => setTimeout(resolve, 0))
  other.close()
  expect(await waiting).toMatchObject({ ok: false, problem: { code: 'sandbox.failed' } })
  expect(await other.run({ language: 'javascript', code: '', tests: 'assert(true)' })).toEqual({
    ok: true,
    value: passes,
  })
  other.close()
})
