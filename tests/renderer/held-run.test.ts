import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { effectScope, nextTick, ref, shallowRef } from 'vue'
import type { Place } from '#renderer/features/experiments/grid-keys.ts'
import { useHeldRun } from '#renderer/features/experiments/held-run.ts'

/** A table of runs with the keyboard in one of its rows. */
function table(first: readonly string[], row: number) {
  const runs = shallowRef(first)
  const active = ref<Place>({ row, column: 3 })
  const focused: Place[] = []
  const keyboard = { isHere: true }
  const scope = effectScope()
  const held = scope.run(() =>
    useHeldRun({
      active,
      idAt: (at) => runs.value[at] ?? null,
      rowOf: (id) => (runs.value.includes(id) ? runs.value.indexOf(id) : null),
      hasKeyboard: () => keyboard.isHere,
      focus: (place) => {
        focused.push(place)
        active.value = place
      },
    }),
  )
  if (held === undefined) throw new Error('no scope')
  return { runs, active, focused, keyboard, scope, ...held }
}

describe('the keyboard in a list of runs', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
  afterEach(() => void vi.useRealTimers())

  it('goes with its run where the list is sorted anew', async () => {
    const { runs, active, focused, scope } = table(['a', 'b', 'c', 'd'], 3)
    runs.value = ['d', 'a', 'b', 'c']
    await nextTick()
    expect(focused).toEqual([{ row: 0, column: 3 }])
    runs.value = ['new', 'd', 'a', 'b', 'c']
    await nextTick()
    expect(active.value).toEqual({ row: 1, column: 3 })
    scope.stop()
  })

  it('is not taken from elsewhere: only the place that Tab leads to goes along', async () => {
    const { runs, active, focused, keyboard, scope } = table(['a', 'b'], 0)
    keyboard.isHere = false
    runs.value = ['b', 'a']
    await nextTick()
    expect(focused).toEqual([])
    expect(active.value.row).toBe(1)
    scope.stop()
  })

  it('does nothing for a moment to a run that came to the place of one that is gone', async () => {
    const { runs, active, isMeant, scope } = table(['a', 'b', 'c'], 1)
    expect(isMeant(1)).toBe(true)
    runs.value = ['a', 'c']
    // Before the screen is drawn, too.
    expect(isMeant(1)).toBe(false)
    await nextTick()
    expect(active.value.row).toBe(1)
    expect(isMeant(1)).toBe(false)
    vi.advanceTimersByTime(800)
    expect(isMeant(1)).toBe(true)
    scope.stop()
  })

  it('stays at the top of the answer to another question', async () => {
    const { runs, active, focused, isMeant, forget, scope } = table(['a', 'b', 'c'], 0)
    forget()
    runs.value = ['c', 'a']
    await nextTick()
    expect(active.value.row).toBe(0)
    expect(focused).toEqual([])
    expect(isMeant(0)).toBe(true)
    runs.value = ['new', 'c', 'a']
    await nextTick()
    expect(active.value.row).toBe(1)
    scope.stop()
  })

  it('goes where a person leads it, and waits for rows that are on their way', async () => {
    const { runs, active, isMeant, focused, scope } = table(['a', 'b', 'c'], 1)
    active.value = { row: 2, column: 1 }
    await nextTick()
    expect(isMeant(2)).toBe(true)
    runs.value = []
    await nextTick()
    runs.value = ['a', 'c', 'b']
    await nextTick()
    expect(focused).toEqual([{ row: 1, column: 1 }])
    expect(isMeant(1)).toBe(true)
    scope.stop()
  })
})
