// A graphics card in software for tests: SwiftShader, which Chromium brings, and the loader of Vulkan beside it.
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

const folders = [
  process.env.TUNEWRIGHT_SWIFTSHADER,
  '/usr/lib/chromium',
  '/usr/lib/chromium-browser',
  join(homedir(), '.cache', 'tunewright-test-electron'),
]

/** What must stand in the environment of a process before it starts, for WebGPU to find it; null where it is not here. */
export function softwareAdapter(): Readonly<Record<string, string>> | null {
  const folder = folders.find(
    (each) =>
      each && ['libvulkan.so.1', 'vk_swiftshader_icd.json'].every((file) => existsSync(join(each, file))),
  )
  if (!folder) return null
  const driver = join(folder, 'vk_swiftshader_icd.json')
  return { LD_LIBRARY_PATH: folder, VK_ICD_FILENAMES: driver, VK_DRIVER_FILES: driver, XDG_RUNTIME_DIR: '.' }
}

/** The same, or null with a notice, unless TUNEWRIGHT_REQUIRE names it. */
export function findWebgpu(): Readonly<Record<string, string>> | null {
  const environment = softwareAdapter()
  if (environment !== null) return environment
  const notice = 'Skipped: WebGPU has no SwiftShader here. It comes with Chromium: apt-get install chromium'
  if (process.env.TUNEWRIGHT_REQUIRE?.includes('webgpu')) throw new Error(notice)
  console.info(notice)
  return null
}
