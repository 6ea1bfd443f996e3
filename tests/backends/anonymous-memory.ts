// How much memory a process holds that cannot be read anew from a file. Linux only.
import { readFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Resident anonymous memory after a collection. V8 and the C library may hold on to a dozen freed arrays. */
export async function anonymousBytes(): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  await setTimeout(50)
  return 1024 * Number(/RssAnon:\s+(\d+)/.exec(await readFile('/proc/self/status', 'utf8'))?.[1])
}
