// Work in small steps, so that who has other things to do can do them in between.

export type Steps<T> = Generator<undefined, T>

/** All of it at once. */
export function runSteps<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}
