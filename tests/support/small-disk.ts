// A file system of its own that is soon full, for tests of what happens then. Mounts are allowed to root on Linux, but not in
// every container: `canMount` says so, and what is left out is printed.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

export interface SmallDisk {
  readonly folder: string
  readonly canMount: boolean
  /** Until not one block is left. */
  fill(): void
  free(): void
  remount(how: 'ro' | 'rw'): void
}

/** Gone after the tests of this file. `size` as mount has it ("6m"); `what` is named where it cannot be had. */
export function smallDisk(size: string, what: string): SmallDisk {
  const folder = mkdtempSync(join(tmpdir(), 'tunewright-small-disk-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder])
  const canMount = mounted.status === 0
  if (!canMount) console.log(`${what} skipped: mount said ${String(mounted.stderr ?? mounted.error).trim()}`)
  afterAll(() => {
    if (canMount) spawnSync('umount', ['-l', folder])
    // Whatever lies in it went with the disk.
    if (existsSync(folder)) rmSync(folder, { recursive: true, force: true })
  })
  const ballast = join(folder, 'ballast')
  return {
    folder,
    canMount,
    fill() {
      const { error } = spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=4096'], { stdio: 'ignore' })
      if (error !== undefined) throw error
    },
    free: () => rmSync(ballast, { force: true }),
    remount: (how) => {
      spawnSync('mount', ['-o', `remount,${how}`, folder])
    },
  }
}
