// The keyboard stays on its run when the list is sorted anew or gets other rows: a key that was meant for one run must not
// act on another that came to its place.
import { type Ref, watch } from 'vue'
import type { Place } from './grid-keys.ts'

interface Grid {
  readonly active: Ref<Place>
  /** The run in a row; null where there is none, or it is not known yet. */
  readonly idAt: (row: number) => string | null
  /** The row of a run; null where it is not among those known. */
  readonly rowOf: (runId: string) => number | null
  readonly hasKeyboard: () => boolean
  readonly focus: (place: Place) => void
}

/** Nobody has seen in this time that another run came to the place, so no key was meant for it. */
const unseenMs = 700

export function useHeldRun({ active, idAt, rowOf, hasKeyboard, focus }: Grid) {
  let row = active.value.row
  let held = idAt(row)
  let changedAt = Number.NEGATIVE_INFINITY

  watch(
    () => [active.value.row, idAt(active.value.row)] as const,
    ([now, id]) => {
      if (now !== row) {
        row = now
        held = id
        changedAt = Number.NEGATIVE_INFINITY
        return
      }
      if (id === null || id === held) return
      const moved = held === null ? null : rowOf(held)
      if (moved === null) {
        if (held !== null) changedAt = performance.now()
        held = id
        return
      }
      row = moved
      if (hasKeyboard()) focus({ ...active.value, row: moved })
      else active.value = { ...active.value, row: moved }
    },
    { flush: 'post' },
  )

  return {
    /** Another question is read from its top: no run is held until a key is pressed in one. */
    forget: (): void => {
      held = null
    },
    /** Whether a key that acts may act on the run of the row: it stood there when the key was pressed, as far as one can see. */
    isMeant(at: number): boolean {
      if (at !== row) return true
      held ??= idAt(at)
      return idAt(at) === held && performance.now() - changedAt > unseenMs
    },
  }
}
