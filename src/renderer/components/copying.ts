// Copies a text, and knows how that went: a browser may refuse, and a page that is not on this computer's own address
// has no clipboard at all.
import { ref } from 'vue'

export function useCopying() {
  const outcome = ref<'none' | 'copied' | 'refused'>('none')

  async function copy(text: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text)
      outcome.value = 'copied'
    } catch {
      outcome.value = 'refused'
    }
  }

  return { outcome, copy }
}
