// The program's settings: one small file in the library, written durably, told to every screen. A damaged file is moved
// aside and the usual settings are taken: nobody is kept from working by it.
import { readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { type Emit, type Settings, settings as settingsSchema } from '#shared/contract/index.ts'
import { fail, ok, type Result } from '#shared/result.ts'
import type { SettingsStore } from '../workstation/context.ts'
import { asDiskProblem, writeFileDurably } from './durable-files.ts'
import type { Library } from './library.ts'
import { problemOf } from './problem-of.ts'

export function createSettingsStore(library: Library, emit: Emit): SettingsStore {
  const path = join(library.home, 'settings.json')
  let current = readSettings(path)
  /** Changes follow one another: each is written before the next is made. */
  let last: Promise<unknown> = Promise.resolve()

  async function change(wanted: Parameters<SettingsStore['set']>[0]): Promise<Result<Settings>> {
    const given = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined))
    const next = settingsSchema.parse({ ...current, ...given })
    try {
      await writeFileDurably(path, `${JSON.stringify(next, null, 2)}\n`)
    } catch (error) {
      return fail(problemOf(asDiskProblem(error, path), 'settings.json'))
    }
    current = next
    emit('settings.changed', current)
    return ok(current)
  }

  return {
    get: () => current,
    set(wanted) {
      const done = last.then(() => change(wanted))
      last = done
      return done
    },
  }
}

function readSettings(path: string): Settings {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return settingsSchema.parse({})
  }
  try {
    return settingsSchema.parse(JSON.parse(text))
  } catch {
    try {
      renameSync(path, `${path}.damaged`)
    } catch {
      // A file that cannot be moved is overwritten by the first change.
    }
    return settingsSchema.parse({})
  }
}
