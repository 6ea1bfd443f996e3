// Orders of a list of runs that an index keeps; the others of `runSorts` are in experiments.test.ts.
export const indexedSorts = ['created', 'started', 'ended', 'name', 'status', 'bestLoss', 'rating'] as const
