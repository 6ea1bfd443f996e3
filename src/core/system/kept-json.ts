// Small files of ours in JSON: read when they hold what the schema says, written durably.
import { readFileSync, renameSync } from 'node:fs'
import type { z } from 'zod'
import { writeFileDurably } from './durable-files.ts'

/** What the file holds; null where it is missing, damaged, or of another version's form. */
export function readKept<S extends z.ZodType>(path: string, schema: S): z.output<S> | null {
  return parseText(textOf(path), schema)
}

/** As `readKept`; a file that holds something else is moved aside, so that the next writing does not lose it. */
export function readKeptOrSetAside<S extends z.ZodType>(path: string, schema: S): z.output<S> | null {
  const text = textOf(path)
  const value = parseText(text, schema)
  if (text !== null && value === null)
    try {
      renameSync(path, `${path}.damaged`)
    } catch {
      // A file that cannot be moved is written over by the next change.
    }
  return value
}

/** Throws a ProblemError where the disk is full or fails. */
export async function writeKept(path: string, value: unknown): Promise<void> {
  await writeFileDurably(path, `${JSON.stringify(value, null, 2)}\n`)
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

function parseText<S extends z.ZodType>(text: string | null, schema: S): z.output<S> | null {
  if (text === null) return null
  try {
    return schema.parse(JSON.parse(text))
  } catch {
    return null
  }
}
