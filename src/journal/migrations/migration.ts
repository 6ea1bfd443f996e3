// One step of the schema's history. Steps go forward only; a released step is never edited.
export interface Migration {
  readonly version: number
  readonly name: string
  /** SQL statements, run one by one inside one transaction. */
  readonly statements: readonly string[]
}
