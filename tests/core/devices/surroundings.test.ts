// What this computer has, from real files: an engine that is whole, one that was cut.
import { truncateSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { missingOf } from '#core/devices/missing-devices.ts'
import { lookAround } from '#core/devices/surroundings.ts'
import { enginePack } from '#core/engines/engine-packs.ts'
import { fillEngineFolder } from '../../support/engine-folder.ts'
import { freshLibrary } from '../models/places.ts'

test.skipIf(process.platform !== 'linux' || process.arch !== 'x64')(
  'an engine one of whose files was cut is damaged, by its size, with the command that mends it',
  async () => {
    const library = freshLibrary()
    const folder = join(library.enginesFolder, 'tensorflow')
    await fillEngineFolder(folder, enginePack('tensorflow'))
    const file = join(folder, 'deps/lib/libtensorflow_cc.so.2')
    const whole = await lookAround(library)
    expect(whole.engineProblems.has('tensorflow')).toBe(false)
    expect(missingOf('tensorflow-cpu', whole)).toBeNull()
    truncateSync(file, 999)
    const cut = await lookAround(library)
    expect(cut.engineProblems.get('tensorflow')).toMatchObject({
      code: 'engine.damaged',
      remedy: expect.stringContaining('tunewright engines add tensorflow'),
    })
    expect(missingOf('tensorflow-cpu', cut)).toEqual(cut.engineProblems.get('tensorflow'))
  },
)
