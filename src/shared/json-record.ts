// Parsed JSON of strangers, looked at field by field: nothing is known of a value until it was checked.
export type JsonRecord = Readonly<Record<string, unknown>>

/** An object that is no list. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
