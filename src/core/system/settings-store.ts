// The program's settings: one small file in the library, written durably, told to every screen. A damaged file is moved
// aside and the usual settings are taken: nobody is kept from working by it.
import { join } from 'node:path'
import { z } from 'zod'
import { type Emit, type Settings, settings as settingsSchema } from '#shared/contract/index.ts'
import { attemptAsync } from '#shared/result.ts'
import type { SettingsStore } from '../workstation/context.ts'
import { readKeptOrSetAside, writeKept } from './kept-json.ts'
import type { Library } from './library.ts'

/**
 * What another version of Tunewright kept in the file beside these is left out, and no damage; of a setting whose value it
 * alone knows (a device, say) the usual one is taken, and the others stay.
 */
const keptSettings = z.record(z.string(), z.unknown()).transform((kept) =>
  settingsSchema.parse(
    Object.fromEntries(
      Object.entries(settingsSchema.shape).flatMap(([name, schema]) => {
        const value = schema.safeParse(kept[name])
        return value.success ? [[name, value.data]] : []
      }),
    ),
  ),
)

const pathOf = (library: Library): string => join(library.home, 'settings.json')

/** As they are on disk now: for whoever needs them once, and does not change them. */
export const readSettings = (library: Library): Settings =>
  readKeptOrSetAside(pathOf(library), keptSettings) ?? settingsSchema.parse({})

export function createSettingsStore(library: Library, emit: Emit): SettingsStore {
  const path = pathOf(library)
  let current = readSettings(library)
  /** Changes follow one another: each is written before the next is made. */
  let last: Promise<unknown> = Promise.resolve()

  async function change(wanted: Parameters<SettingsStore['set']>[0]): Promise<Settings> {
    const given = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined))
    const next = settingsSchema.parse({ ...current, ...given })
    await writeKept(path, next)
    current = next
    emit('settings.changed', current)
    return current
  }

  return {
    get: () => current,
    set(wanted) {
      const done = last.then(() => attemptAsync(() => change(wanted)))
      last = done.catch(() => {})
      return done
    },
  }
}
