// `tunewright engines` as a person or a script uses it: real processes, words, exit codes.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import type { EngineState } from '#shared/contract/devices.ts'

vi.setConfig({ testTimeout: 120_000 })

const root = join(import.meta.dirname, '../..')
const home = mkdtempSync(join(tmpdir(), 'tunewright-cli-engines-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

const environment = {
  ...process.env,
  PIP_INDEX_URL: 'http://127.0.0.1:9/simple',
  PIP_CONFIG_FILE: '/dev/null',
  PIP_RETRIES: '0',
  PIP_FIND_LINKS: '',
}

function run(...parameters: string[]) {
  const node = join(root, 'node_modules/.bin/node')
  const program = ['--disable-warning=ExperimentalWarning', join(root, 'src/cli/main.ts'), '--home', home]
  const { status, stdout, stderr } = spawnSync(node, [...program, ...parameters], {
    encoding: 'utf8',
    env: environment,
  })
  return { code: status, out: stdout, error: stderr }
}

const isOffered = process.platform === 'linux' && process.arch === 'x64'

test('lists what there is, for people and for scripts', () => {
  const words = run('engines', 'list')
  expect(words.code).toBe(0)
  expect(words.out).toMatch(/tensorflow +2\.21\.0 +\S.* 274 MB +854 MB/)
  expect(words.out).toContain('Licences: TensorFlow and tfjs-node-gpu: Apache-2.0.')
  const script = run('engines', 'list', '--json')
  const { engines } = JSON.parse(script.out) as { engines: EngineState[] }
  expect(engines.map(({ id }) => id)).toEqual(['tensorflow', 'tensorflow-cuda', 'onnx-cuda'])
  expect(engines.map(({ status }) => status)).toEqual(Array(3).fill(isOffered ? 'absent' : 'not-offered'))
})

test('the help says in whole words what engines are, and what allows a download', () => {
  const words = (...parameters: string[]) => run(...parameters, '--help').out.replace(/\s+/g, ' ')
  expect(words('engines')).toContain('larger runtimes that a run can be computed with')
  expect(words('engines', 'add')).toContain(
    'The command is the permission; the switch in the settings is for the screens',
  )
})

test('a name that does not exist is wrong use, with the right ones', () => {
  const { code, error } = run('engines', 'add', 'tensorflow-rocm')
  expect(code).toBe(2)
  expect(error).toContain('Allowed choices are tensorflow, tensorflow-cuda, onnx-cuda')
})

describe.skipIf(!isOffered)('on a system that it is offered for', () => {
  test('what is not here can neither be removed nor verified', () => {
    for (const command of ['remove', 'verify']) {
      const { code, out } = run('engines', command, 'tensorflow', '--json')
      expect(code).toBe(1)
      expect(JSON.parse(out).problem).toMatchObject({ code: 'engine.missing' })
    }
  })

  test('an index that cannot be reached, and a file that is another, are sentences with exit code 1', () => {
    const unreachable = run('engines', 'add', 'tensorflow')
    expect(unreachable.code).toBe(1)
    expect(unreachable.error).toContain('The Python package index cannot be reached')
    expect(unreachable.error).toContain('Connection 1: to the Python package index, for tensorflow')
    const file = join(home, 'x.whl')
    writeFileSync(file, 'not a wheel')
    const wrong = run('engines', 'add', 'tensorflow', '--file', file)
    expect(wrong.code).toBe(1)
    expect(wrong.error).toContain('This file is not one of those that TensorFlow was published as.')
    const none = run('engines', 'add', 'tensorflow', '--file', join(home, 'none.whl'))
    expect(none.code).toBe(1)
    expect(none.error).toContain('There is no such file')
  })

  test('a damaged one is listed as that, and can be removed', () => {
    mkdirSync(join(home, 'engines', 'tensorflow'), { recursive: true })
    writeFileSync(join(home, 'engines', 'tensorflow', 'part.so'), 'part')
    expect(run('engines', 'list').out).toMatch(
      /! TensorFlow is damaged\. .*tunewright.* engines add tensorflow/,
    )
    const removed = run('engines', 'remove', 'tensorflow')
    expect(removed).toMatchObject({
      code: 0,
      out: expect.stringContaining('tensorflow is gone; 4 B are free again.'),
    })
    expect(run('engines', 'list').out).toContain('not here')
    mkdirSync(join(home, 'elsewhere'))
    writeFileSync(join(home, 'elsewhere', 'part.so'), 'part')
    symlinkSync(join(home, 'elsewhere'), join(home, 'engines', 'tensorflow'))
    expect(run('engines', 'list').out).toContain('It is a link, not a folder of ours.')
    expect(run('engines', 'remove', 'tensorflow').out).toContain('only the link is gone')
    expect(existsSync(join(home, 'elsewhere', 'part.so'))).toBe(true)
  })
})
