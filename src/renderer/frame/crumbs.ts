// The way to the screen that is shown, for the top bar and the window's title. A screen that knows names says them here;
// otherwise the route's title stands alone.
import { onScopeDispose, shallowRef, watchEffect } from 'vue'

export interface Crumb {
  readonly label: string
  /** Address of the screen, e.g. "/projects/abc/data"; the last crumb has none. */
  readonly to?: string
}

export const crumbs = shallowRef<readonly Crumb[] | null>(null)

/** Call in a screen's setup; `read` is followed as its values change. Long names are shortened by the top bar. */
export function useCrumbs(read: () => readonly Crumb[]): void {
  let own: readonly Crumb[] = []
  watchEffect(() => {
    own = read()
    crumbs.value = own
  })
  onScopeDispose(() => {
    if (crumbs.value === own) crumbs.value = null
  })
}
