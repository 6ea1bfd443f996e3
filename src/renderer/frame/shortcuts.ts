// Keys that work everywhere: "g" then a letter goes to a screen, "?" shows them all. They rest while one types.
import { onBeforeUnmount, onMounted } from 'vue'
import type { PlainKey } from '../words/index.ts'

export const goKeys: readonly { readonly key: string; readonly to: string; readonly title: PlainKey }[] = [
  { key: 'p', to: '/', title: 'frame.projects' },
  { key: 'e', to: '/experiments', title: 'frame.experiments' },
  { key: 'm', to: '/models', title: 'frame.models' },
  { key: 'c', to: '/chat', title: 'frame.chat' },
  { key: 's', to: '/settings', title: 'frame.settings' },
]

const secondKeyWithinMs = 1500

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target.closest('input, textarea, select, [role="textbox"], [role="listbox"], [role="menu"]') !== null)
  )
}

/** What a sequence of key presses asks for; `null` for nothing. Pure, so that tests can ask it. */
export function makeKeyReader(): (key: string, atMs: number) => string | 'help' | null {
  let goPressedAtMs = Number.NEGATIVE_INFINITY
  return (key, atMs) => {
    const isSecond = atMs - goPressedAtMs < secondKeyWithinMs
    goPressedAtMs = key === 'g' && !isSecond ? atMs : Number.NEGATIVE_INFINITY
    if (key === '?') return 'help'
    return isSecond ? (goKeys.find((go) => go.key === key)?.to ?? null) : null
  }
}

export function useShortcuts(actions: { go: (to: string) => void; help: () => void }): void {
  const read = makeKeyReader()
  function onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
    const asked = read(event.key, event.timeStamp)
    if (asked === null) return
    event.preventDefault()
    if (asked === 'help') actions.help()
    else actions.go(asked)
  }
  onMounted(() => window.addEventListener('keydown', onKey))
  onBeforeUnmount(() => window.removeEventListener('keydown', onKey))
}
