// What a run leaves, as files: made by adapter-files.ts or whole-model-files.ts, put in their place by tuned-files.ts.
export interface TunedContent {
  /** Beside the weights, by name. */
  readonly others: ReadonlyMap<string, string>
  /** The bytes of the weights file, each time from the beginning. */
  weights(): AsyncIterable<Uint8Array>
}
