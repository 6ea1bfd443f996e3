// Where the keyboard stands when a screen, a dialog or a button goes.
import { nextTick, watch } from 'vue'

/** After a move to another screen the keyboard stands at that screen's heading, so that it is read first. */
let hasMoved = false

/** Told by the router after every move but the first. */
export const noteMove = (): void => {
  hasMoved = true
}

/** Gives the heading the focus once after a move; does nothing at the program's start. */
export function focusAfterMove(heading: HTMLElement | null): void {
  if (!hasMoved || heading === null) return
  hasMoved = false
  heading.focus({ preventScroll: true })
}

/** For a button that goes away with what it starts: the keyboard waits at the screen's heading. */
export const focusHeading = (): void => headingOfScreen()?.focus({ preventScroll: true })

export const headingOfScreen = (): HTMLElement | null => document.querySelector<HTMLElement>('main h1')

/**
 * `content` of a dialog whose opener may be gone or off when it closes: the keyboard then goes to this place, not to the
 * page's body. Null leaves it to the dialog, which goes back to its opener.
 */
export const focusOnClose = (place: () => HTMLElement | null) => ({
  onCloseAutoFocus(event: Event): void {
    const element = place()
    if (element === null) return
    event.preventDefault()
    element.focus({ preventScroll: true })
  },
})

/** For a button that makes room for what it starts, and whose place takes it again: the keyboard stays, by `focus`. */
export function keepFocusWhen(changed: () => unknown, focus: () => void): void {
  watch(changed, async () => {
    await nextTick()
    if (document.activeElement === document.body) focus()
  })
}
