// Whether an address leads to a screen that is built. Links to others are not shown.
import type { Router } from 'vue-router'

/** The name of the route that takes every address without a screen. */
export const notFound = 'not-found'

export const hasScreen = (router: Pick<Router, 'resolve'>, path: string): boolean =>
  router.resolve(path).name !== notFound
