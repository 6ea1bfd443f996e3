// Keeps a part in view that the address named, while the parts above it still fill in and push it down. Whatever the
// person does ends it at once.

/** By then everything above has answered, or takes so long that a jump would only confuse. */
const settledMs = 3_000
const handEvents = ['wheel', 'pointerdown', 'keydown', 'touchstart'] as const

/** Gives back what ends it. */
export function keepInView(element: HTMLElement): () => void {
  const show = (): void => element.scrollIntoView()
  const observer = new ResizeObserver(show)
  const end = (): void => {
    observer.disconnect()
    clearTimeout(timer)
    for (const name of handEvents) removeEventListener(name, end)
  }
  const timer = setTimeout(end, settledMs)
  for (const name of handEvents) addEventListener(name, end, { passive: true })
  observer.observe(element.parentElement ?? element)
  show()
  return end
}
