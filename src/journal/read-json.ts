// JSON columns, read. Text that is no JSON can only come from damage: the table would not have taken it.
/** Thrown where a stored value is not what its column can hold; becomes the Problem journal.corrupt. */
export class DamagedValueError extends Error {}

export function readJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new DamagedValueError(`not JSON: ${text.slice(0, 200)}`)
  }
}
