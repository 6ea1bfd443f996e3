// One at a time, of all processes that are started in this clone: who comes second waits for the first. What a killed one
// leaves behind holds nobody up. Plain JavaScript on purpose: it runs before anything is installed.

import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const lookEveryMs = 250
/** It counts once it has stood so long: whoever took a living one away by mistake has put it back by then. */
const settleMs = 200
/** A file without readable words is being written; after so long, whoever wrote it was killed. */
const writtenWithinMs = 5_000

/**
 * Waits until it is this process's turn. `onWait` is told once, with the process that is at work (null: not known). The lock
 * holds as long as this process, or one that it names with `also`, is there; `release` gives it back.
 */
export async function takeLock(path, onWait) {
  const token = randomUUID()
  const own = { token, holders: [holderOf(process.pid)] }
  mkdirSync(dirname(path), { recursive: true })
  let isTold = false
  while (true) {
    if (placeLock(path, own)) {
      await sleep(settleMs)
      if (read(path)?.token === token) break
    }
    const found = read(path)
    if (found === null) continue
    const atWork = found.holders.find(isThere)
    if (atWork === undefined && isOver(path, found)) takeAway(path, found)
    else if (!isTold) {
      isTold = true
      onWait(atWork?.pid ?? null)
    }
    await sleep(lookEveryMs)
  }
  return {
    /** A process that goes on where this one is killed, and that the others have to wait for then. */
    also(pid) {
      const beside = `${path}.${token}`
      writeFileSync(beside, JSON.stringify({ token, holders: [...own.holders, holderOf(pid)] }))
      renameSync(beside, path)
    },
    release() {
      if (read(path)?.token === token) rmSync(path, { force: true })
    },
  }
}

function placeLock(path, own) {
  try {
    writeFileSync(path, JSON.stringify(own), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

/** Null where there is none; without holders where it cannot be read. */
function read(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    return error.code === 'ENOENT' ? null : { token: null, holders: [] }
  }
}

function isOver(path, { token }) {
  if (token !== null) return true
  const { mtimeMs = Date.now() } = statSync(path, { throwIfNoEntry: false }) ?? {}
  return Date.now() - mtimeMs > writtenWithinMs
}

/** Another who saw it too may have been quicker, and have its own lock there by now: that one is put back. */
function takeAway(path, found) {
  const away = `${path}.${randomUUID()}`
  try {
    renameSync(path, away)
  } catch {
    return
  }
  if (read(away)?.token === found.token) rmSync(away, { force: true })
  else renameSync(away, path)
}

const holderOf = (pid) => ({ pid, started: look(pid)?.started ?? '' })

/** A process number is given anew some day: the moment when it began tells one from another. */
function isThere({ pid, started }) {
  const now = look(pid)
  return now !== null && (started === '' || now.started === '' || now.started === started)
}

/** Null where there is no such process, or only its entry in the table any more; '' where its beginning is not to be had. */
function look(pid) {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (error.code !== 'EPERM') return null
  }
  const { state, started } = factsOf(pid)
  return state.startsWith('Z') || state.startsWith('X') ? null : { started }
}

function factsOf(pid) {
  const unknown = { state: '', started: '' }
  if (process.platform === 'win32') return unknown
  try {
    if (process.platform !== 'linux') {
      const { stdout } = spawnSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' })
      const [, state = '', started = ''] = /^\s*(\S+)\s+(.+?)\s*$/.exec(stdout ?? '') ?? []
      return { state, started }
    }
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field, the name, is in brackets and may hold anything.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return { state: fields[0] ?? '', started: `${boot} ${fields[19]}` }
  } catch {
    return unknown
  }
}
