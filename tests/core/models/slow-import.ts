// For the test of killed imports: imports a model and stops in the middle of its weights until it is killed.
import { importModel } from '#core/models/import-model.ts'
import { openLibrary } from '#core/system/library.ts'

const [home = '', folder = ''] = process.argv.slice(2)
await importModel(openLibrary(home), folder, {
  onProgress: ({ phase }) => {
    if (phase !== 'writing') return
    process.stdout.write('writing\n')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  },
})
