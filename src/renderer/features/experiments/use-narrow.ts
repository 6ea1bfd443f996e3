// Whether the window is narrower than so many pixels, followed as it changes: for what is read otherwise there, and not
// only set smaller.
import { onScopeDispose, ref } from 'vue'

export function useNarrow(pixels: number) {
  const query = window.matchMedia(`(width < ${pixels}px)`)
  const isNarrow = ref(query.matches)
  const follow = (): void => {
    isNarrow.value = query.matches
  }
  query.addEventListener('change', follow)
  onScopeDispose(() => query.removeEventListener('change', follow))
  return isNarrow
}
