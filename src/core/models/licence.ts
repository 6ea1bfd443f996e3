// The licence that a model folder states: the front matter of README.md, or a LICENSE file. A record for the person,
// not legal advice; where the folder says nothing it is "unknown".
import { JSON_SCHEMA, load } from 'js-yaml'
import { openUnchanged, statFileIn } from './safe-files.ts'

const headBytes = 64 * 1024

/** As the folder writes it: an identifier such as "apache-2.0", or "LICENSE: <first line>", or "unknown". */
export async function findLicence(folder: string): Promise<string> {
  const readme = await readHead(folder, 'README.md')
  const stated = readme === null ? null : frontMatterLicence(readme)
  if (stated) return stated
  for (const name of ['LICENSE', 'LICENSE.txt', 'LICENSE.md', 'LICENCE', 'LICENCE.txt']) {
    const text = await readHead(folder, name)
    const line = text
      ?.split('\n')
      .map((part) => part.trim())
      .find((part) => part !== '')
    if (line) return `${name}: ${line}`
  }
  return 'unknown'
}

/** The `license` of a model card's front matter, with `license_name` where it is "other". */
function frontMatterLicence(readme: string): string | null {
  const block = /^\uFEFF?---\r?\n([\s\S]*?)\r?\n---/.exec(readme)?.[1]
  if (block === undefined) return null
  try {
    const card: unknown = load(block, { schema: JSON_SCHEMA })
    if (typeof card !== 'object' || card === null) return null
    const { license, license_name: name } = card as Record<string, unknown>
    const stated = license === 'other' && typeof name === 'string' ? name : license
    return typeof stated === 'string' && stated !== '' ? stated : null
  } catch {
    return null
  }
}

/** The first 64 KiB of a file as text, or null where it is not there or is no ordinary file. */
async function readHead(folder: string, name: string): Promise<string | null> {
  const file = await statFileIn(folder, name).catch(() => null)
  if (!file) return null
  const source = await openUnchanged(file)
  try {
    return new TextDecoder().decode(await source.read(0, Math.min(headBytes, file.sizeBytes)))
  } finally {
    await source.close()
  }
}
