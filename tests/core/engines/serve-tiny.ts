// The index that tests of engines are served from, made before and closed after each of them.
import { afterEach, beforeEach } from 'vitest'
import { type FakeIndex, startFakeIndex } from '../../support/fake-index.ts'
import { serve, type TinyEngine, useIndex } from './tiny-engine.ts'

/** Before each test a new index that serves this engine, which pip asks; after it, none. */
export function serveTiny(tiny: TinyEngine): { readonly index: FakeIndex } {
  const served = {} as { index: FakeIndex }
  let forget = (): void => {}
  beforeEach(async () => {
    served.index = await startFakeIndex()
    serve(served.index, tiny)
    forget = useIndex(served.index.url)
  })
  afterEach(async () => {
    forget()
    await served.index.close()
  })
  return served
}
