// Hints name the command as a person with a clone types it, on screens too.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { asTyped, withTypedCommands } from '#core/system/typed-command.ts'
import { unwrap } from '#shared/result.ts'
import { runWith } from '../../cli/terminal.ts'
import { openWorkstation, temporaryHome } from './open-workstation.ts'

beforeEach(() => {
  process.env.TUNEWRIGHT_COMMAND = 'npm run tunewright --'
})
afterEach(() => {
  delete process.env.TUNEWRIGHT_COMMAND
})

const bare = /(?<!run )\btunewright [a-z]+ /

test('a Problem and the list of engines say it so; the name that a person gave stays', async () => {
  const { api, home } = await openWorkstation()
  const { project } = unwrap(
    await api.call('projects.create', {
      name: 'tunewright models for us',
      scenario: 'classification',
      withSample: false,
    }),
  )
  expect(project.name).toBe('tunewright models for us')
  const refused = await api.call('journal.restore', { name: 'none' })
  expect(refused).toMatchObject({
    problem: { remedy: 'Take a name from: npm run tunewright -- journal backups.' },
  })
  // One whose folder lacks its files is damaged, where it is offered at all.
  await mkdir(join(home, 'engines', 'tensorflow'), { recursive: true })
  const { engines } = unwrap(await api.call('engines.list', {}))
  const remedies = engines.map(({ problem }) => problem?.remedy ?? '').join('\n')
  if (process.platform === 'linux' && process.arch === 'x64')
    expect(remedies).toContain('npm run tunewright -- engines add tensorflow')
  expect(remedies).not.toMatch(bare)
})

test('places and quoted words stay what they are', () => {
  const where = '/home/a/tunewright data/rows.csv'
  const problem = {
    ...{
      code: 'data.unreadable',
      message: `"tunewright data" cannot be read: ${where}`,
      where,
      details: where,
    },
    faults: [{ where: 'tunewright data', message: 'Ask with: tunewright data check' }],
    remedy: 'Look with “tunewright data”, or with: tunewright data check FILE',
  }
  expect(withTypedCommands(problem)).toEqual({
    ...problem,
    faults: [{ where: 'tunewright data', message: 'Ask with: npm run tunewright -- data check' }],
    remedy: 'Look with “tunewright data”, or with: npm run tunewright -- data check FILE',
  })
  expect(asTyped('bin\\tunewright data, my-tunewright data')).toBe('bin\\tunewright data, my-tunewright data')
})

test('every command of the program is known to it', async () => {
  const { out } = runWith(await temporaryHome(), '--help')
  const names = [...out.matchAll(/^ {2}([a-z]+)(?:\|| |$)/gm)]
    .map(([, name]) => name)
    .filter((name) => name !== 'help')
  expect(names).toContain('studies')
  for (const name of names) expect(asTyped(`tunewright ${name} x`)).toBe(`npm run tunewright -- ${name} x`)
})
